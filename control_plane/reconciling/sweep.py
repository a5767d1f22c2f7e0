"""The sweep: compares the rows of live jobs with what the executor says of them.

It finds what nobody told us: a job that ended while the control plane was away, or that its executor has lost.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event

from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import Luggage, apply_news, view_of
from control_plane.reconciling.parts import array_news, last_words, news_of_array, news_without_array, waits_for_parts
from control_plane.services import Services
from pipeline.database.job_attempts import list_attempts_without_exit_code, record_exit_codes
from pipeline.database.jobs import Job
from pipeline.database.jobs_of_all_tenants import list_live_jobs
from pipeline.errors import Conflict
from pipeline.execution.executor import DEPENDENCY_FAILED, JobReport, parent_of
from pipeline.identifiers import TenantId
from pipeline.lifecycle.job_state import FINAL, JobState, Place
from pipeline.lifecycle.reconcile import Ignore, News, Reported, Unknown, reconcile
from pipeline.logs import get_logger

# AWS Batch describes at most 100 jobs a call.
BATCH = 100
# Batch promises no reading of one's own writes: a job that was just submitted may not be described yet.
UNKNOWN_GRACE = timedelta(seconds=15)

logger = get_logger(__name__)


def sweep(services: Services, stopping: Event) -> None:
    """Look at every live job once. What breaks over one job is raised when the others have had their turn."""
    after = None
    errors: list[Exception] = []
    while not stopping.is_set():
        with services.pool.connection() as connection:
            jobs = list_live_jobs(connection, after=after, limit=BATCH)
        if jobs:
            errors += _compare(services, jobs)
        if len(jobs) < BATCH:
            break
        after = jobs[-1].id
    _record_exit_codes(services)
    if errors:
        raise errors[0]


def _compare(services: Services, jobs: Sequence[Job]) -> Iterator[Exception]:
    """Yields what broke: an outcome that the store does not hand out must not keep all later jobs from their ends."""
    waiting = [job.array_handle for job in jobs if waits_for_parts(job) and job.array_handle is not None]
    reports = services.executor.describe([job.handle for job in jobs if job.handle is not None])
    parents = {parent_of(job.handle) for job in jobs if job.handle is not None and job.handle not in reports}
    asked = sorted({*waiting, *filter(None, parents)})
    arrays = services.executor.describe(asked) if asked else {}
    for job in jobs:
        assert job.handle is not None
        report = reports.get(job.handle)
        if _is_fresh(job) and (report is None or (job.array_handle in waiting and job.array_handle not in arrays)):
            continue
        if report is None and _is_live(arrays.get(parent_of(job.handle) or "")):
            # Batch makes an array's children one after the other, after it has taken the array.
            continue
        try:
            _hear(services, job, report, array=arrays.get(job.array_handle or ""))
        except Conflict as exc:
            # It moved on between our look and the lock.
            logger.info("sweep_was_late", job_id=str(job.id), reason=exc.reason)
        except Exception as exc:  # noqa: BLE001  # the boundary of one job; the loop logs what is raised in the end
            logger.warning("sweep_of_job_failed", job_id=str(job.id), error=repr(exc))
            yield exc


def _is_live(report: JobReport | None) -> bool:
    return report is not None and report.state not in FINAL


def _hear(services: Services, job: Job, report: JobReport | None, *, array: JobReport | None) -> None:
    news: News | None = None
    if waits_for_parts(job):
        news = array_news(services, job, array) if array is not None else news_without_array(services, job, report)
    if news is None:
        news = news_of_job(services, job, report) if report is not None else Unknown()
    if news is None:
        return
    # Most rounds bring nothing new, and then no row is locked.
    if isinstance(reconcile(view_of(job), news), Ignore):
        return
    luggage = Luggage(exit_codes=exit_codes_of(report)) if report is not None else Luggage()
    apply_news(services, JobKey(TenantId(job.tenant_id), job.id), news, luggage=luggage)


def news_of_job(services: Services, job: Job, report: JobReport) -> News | None:
    """A job that has failed before it began says nothing of why: a child of the array that it waited for does.

    None while that child may not be described yet.
    """
    if report.state is JobState.FAILED and waits_for_parts(job):
        of_part = news_of_array(services, job)
        if of_part is not None or _is_fresh(job):
            return of_part
        if report.status_reason == DEPENDENCY_FAILED and (said := last_words(services, job)) is not None:
            # Its array is known no more.
            return said
    return news_of(report)


def news_of(report: JobReport) -> Reported:
    return Reported(
        handle=report.handle,
        place=Place(report.attempt, report.state),
        exit_code=report.exit_code,
        status_reason=report.status_reason,
    )


def exit_codes_of(report: JobReport) -> tuple[tuple[int, int], ...]:
    return tuple((a.attempt, a.exit_code) for a in report.attempts if a.exit_code is not None)


def _is_fresh(job: Job) -> bool:
    return job.submitted_at is not None and datetime.now(UTC) - job.submitted_at < UNKNOWN_GRACE


def _record_exit_codes(services: Services) -> None:
    """An attempt tells its end before its process exits, so the executor knows the exit code only afterwards."""
    with services.pool.connection() as connection:
        missing = list_attempts_without_exit_code(connection, limit=BATCH)
    if not missing:
        return
    reports = services.executor.describe(sorted({row.handle for row in missing}))
    told = {(row.tenant_id, row.job_id): reports[row.handle] for row in missing if row.handle in reports}
    with services.pool.connection() as connection:
        for (tenant_id, job_id), report in told.items():
            record_exit_codes(connection, tenant_id, job_id, codes=exit_codes_of(report))
