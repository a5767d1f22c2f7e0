"""Takes events of AWS Batch from their queue and hands them to reconcile.

Events come at least once, in any order, and not at all for some: each is news like any other, and the sweep finds
what they missed. A message is deleted only after the commit of what it led to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from uuid import UUID

from control_plane.events.queue import EventQueue, Message
from control_plane.events.state_changes import EventUnreadable, read_state_change
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import Luggage, apply_news, view_of
from control_plane.reconciling.parts import array_news, news_of_child
from control_plane.reconciling.sweep import exit_codes_of, news_of_job
from control_plane.services import Services
from pipeline.database.job_attempts import find_missing_exit_codes, record_exit_codes
from pipeline.database.jobs import Job
from pipeline.database.jobs_of_all_tenants import find_jobs_by_handles
from pipeline.errors import Conflict, Unavailable
from pipeline.execution.executor import JobReport
from pipeline.identifiers import TenantId
from pipeline.lifecycle.reconcile import Ignore, reconcile
from pipeline.logs import get_logger

# Receiving waits by itself, so the next round may begin at once.
EVERY_S = 0.1

logger = get_logger(__name__)


@dataclass(frozen=True)
class _Known:
    """What was stored when messages came: rows may have moved on since, but none goes back."""

    jobs: Mapping[str, Job]
    """By handle."""
    jobs_of_arrays: Mapping[str, Job]
    """By the handle of the array of their parts."""
    missing_exit_codes: frozenset[tuple[UUID, int]]
    """(job, attempt) of those that the messages are about."""


def consume(services: Services, queue: EventQueue, stopping: Event) -> None:
    """Work through what the queue holds now; whatever fails is left to come again."""
    while not stopping.is_set():
        messages = queue.receive()
        if not messages:
            return
        reports = [(message, report) for message in messages if (report := _read(message)) is not None]
        known = _look(services, [report for _, report in reports])
        for message, report in reports:
            # What is left when this process is to stop comes again, to the next one.
            if not stopping.is_set() and _take(services, report, known):
                _delete(queue, message)


def _delete(queue: EventQueue, message: Message) -> None:
    try:
        queue.delete(message)
    except Unavailable as error:
        # It comes again, and does nothing then; those behind it have not been looked at yet.
        logger.warning("event_not_deleted", error=str(error))


def _read(message: Message) -> JobReport | None:
    try:
        return read_state_change(message.body)
    except EventUnreadable as error:
        # Left in the queue: it ends among the dead letters, where a person sees it.
        logger.warning("event_unreadable", error=str(error))
        return None


def _look(services: Services, reports: Sequence[JobReport]) -> _Known:
    handles = {handle for report in reports for handle in (report.handle, report.parent) if handle is not None}
    tell_codes = {report.handle for report in reports if exit_codes_of(report)}
    with services.pool.connection() as connection:
        jobs = find_jobs_by_handles(connection, sorted(handles)) if handles else []
        ended = [job.id for job in jobs if job.handle in tell_codes]
        missing = find_missing_exit_codes(connection, ended) if ended else ()
    return _Known(
        {job.handle: job for job in jobs if job.handle is not None},
        {job.array_handle: job for job in jobs if job.array_handle is not None},
        frozenset(missing),
    )


def _take(services: Services, report: JobReport, known: _Known) -> bool:
    """Whether all that the report leads to is stored."""
    job = known.jobs.get(report.handle)
    array_job = known.jobs_of_arrays.get(report.parent or report.handle)
    try:
        if job is not None:
            return _take_of_job(services, job, report, known)
        if array_job is not None:
            _take_of_array(services, array_job, report)
        else:
            # Another system's job, or one whose handle is not stored yet: the sweep looks at it again.
            logger.info("event_of_unknown_job", handle=report.handle, name=report.name)
    except Conflict as error:
        # It moved on between our look and the lock.
        logger.info("event_was_late", handle=report.handle, reason=error.reason)
    except Exception:
        # The boundary of one message: the others go on, and this one comes again.
        logger.exception("event_failed", handle=report.handle)
        return False
    return True


def _take_of_job(services: Services, job: Job, report: JobReport, known: _Known) -> bool:
    news = news_of_job(services, job, report)
    if news is None:
        # Left in the queue: when it comes again, more is known.
        logger.info("event_was_early", handle=report.handle)
        return False
    exit_codes = tuple(
        (attempt, code) for attempt, code in exit_codes_of(report) if (job.id, attempt) in known.missing_exit_codes
    )
    if not isinstance(reconcile(view_of(job), news), Ignore):
        apply_news(services, JobKey(TenantId(job.tenant_id), job.id), news, luggage=Luggage(exit_codes=exit_codes))
    elif exit_codes:
        # Most events are behind what the job itself has said, and a row only moves forward: it need not be held.
        with services.pool.connection() as connection:
            record_exit_codes(connection, job.tenant_id, job.id, codes=exit_codes)
    return True


def _take_of_array(services: Services, job: Job, report: JobReport) -> None:
    """Of the array that makes the job's parts, or of one of its children."""
    if not job.is_live:
        return
    is_child = report.parent is not None
    news = news_of_child(services, job, report) if is_child else array_news(services, job, report)
    if news is not None:
        apply_news(services, JobKey(TenantId(job.tenant_id), job.id), news)
