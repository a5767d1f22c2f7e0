"""Takes events of AWS Batch from their queue and hands them to reconcile.

Events come at least once, in any order, and not at all for some: each is news like any other, and the sweep finds
what they missed. A message is deleted only after the commit of what it led to.
"""

from threading import Event

from control_plane.events.queue import EventQueue, Message
from control_plane.events.state_changes import EventUnreadable, read_state_change
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import Luggage, apply_news
from control_plane.reconciling.parts import array_news, news_of_child
from control_plane.reconciling.sweep import exit_codes_of, news_of_job
from control_plane.services import Services
from pipeline.database.jobs import Job
from pipeline.database.jobs_of_all_tenants import find_job_by_array, find_job_by_handle
from pipeline.errors import Conflict
from pipeline.execution.executor import JobReport
from pipeline.identifiers import TenantId
from pipeline.logs import get_logger

# Receiving waits by itself, so the next round may begin at once.
EVERY_S = 0.1

logger = get_logger(__name__)


def consume(services: Services, queue: EventQueue, stopping: Event) -> None:
    """Work through what the queue holds now; whatever fails is left to come again."""
    while not stopping.is_set():
        messages = queue.receive()
        for message in messages:
            _take(services, queue, message)
        if not messages:
            return


def _take(services: Services, queue: EventQueue, message: Message) -> None:
    try:
        report = read_state_change(message.body)
    except EventUnreadable as error:
        # Left in the queue: it ends among the dead letters, where a person sees it.
        logger.warning("event_unreadable", error=str(error))
        return
    try:
        with services.pool.connection() as connection:
            job = find_job_by_handle(connection, report.handle)
            array_job = find_job_by_array(connection, report.parent or report.handle) if job is None else None
        if array_job is not None:
            _take_of_array(services, array_job, report)
        elif job is None:
            # Another system's job, or one whose handle is not stored yet: the sweep looks at it again.
            logger.info("event_of_unknown_job", handle=report.handle, name=report.name)
        else:
            key = JobKey(TenantId(job.tenant_id), job.id)
            news = news_of_job(services, job, report)
            if news is None:
                # Left in the queue: when it comes again, more is known.
                logger.info("event_was_early", handle=report.handle)
                return
            apply_news(services, key, news, luggage=Luggage(exit_codes=exit_codes_of(report)))
    except Conflict as error:
        # It moved on between our look and the lock.
        logger.info("event_was_late", handle=report.handle, reason=error.reason)
    except Exception:
        # The boundary of one message: the others go on, and this one comes again.
        logger.exception("event_failed", handle=report.handle)
        return
    queue.delete(message)


def _take_of_array(services: Services, job: Job, report: JobReport) -> None:
    """Of the array that makes the job's parts, or of one of its children."""
    is_child = report.parent is not None
    news = news_of_child(services, job, report) if is_child else array_news(services, job, report)
    if news is not None:
        apply_news(services, JobKey(TenantId(job.tenant_id), job.id), news)
