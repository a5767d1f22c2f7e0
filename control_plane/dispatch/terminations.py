"""Tells the executor of cancelled jobs until it has heard of each."""

from collections.abc import Iterator, Sequence
from threading import Event
from uuid import UUID

from control_plane.dispatch.naming import array_name
from control_plane.services import Services
from pipeline.database.array_jobs import find_handle_of_child, has_live_children
from pipeline.database.job_dispatch import record_termination
from pipeline.database.jobs import Job
from pipeline.database.jobs_of_all_tenants import list_jobs_to_terminate
from pipeline.execution.executor import child_handle, parent_of
from pipeline.logs import get_logger

NAME = "terminations"
# A cancel wakes the loop; this is for an executor that was away.
EVERY_S = 5.0
AT_ONCE = 100

logger = get_logger(__name__)


def terminate_cancelled(services: Services, stopping: Event) -> None:
    """Tell of every job once. What breaks over one is raised when the others have had their turn."""
    after = None
    errors: list[Exception] = []
    while not stopping.is_set():
        with services.pool.connection() as connection:
            jobs = list_jobs_to_terminate(connection, after=after, limit=AT_ONCE)
        errors += _terminate_each(services, jobs, stopping)
        if len(jobs) < AT_ONCE:
            break
        after = jobs[-1]
    if errors:
        raise errors[0]


def _terminate_each(services: Services, jobs: Sequence[Job], stopping: Event) -> Iterator[Exception]:
    """Yields what broke: a job that cannot be ended must not keep all later ones running."""
    for job in jobs:
        if stopping.is_set():
            return
        try:
            _terminate(services, job)
        except Exception as exc:  # noqa: BLE001  # the boundary of one job; the loop logs what is raised in the end
            logger.warning("termination_failed", job_id=str(job.id), error=repr(exc))
            yield exc


def _terminate(services: Services, job: Job) -> None:
    handles = _handles(services, job) if job.array_id is None else _handles_of_child(services, job, job.array_id)
    for handle in handles:
        services.executor.cancel(handle, f"{job.reason}: {job.detail}")
    with services.pool.connection() as connection:
        record_termination(connection, job.tenant_id, job.id)
    logger.info("job_terminated", job_id=str(job.id), handles=handles)


def _handles(services: Services, job: Job) -> list[str]:
    # What has no handle may still have been submitted by a dispatcher that died before it could write it down.
    handle = job.handle or services.executor.find(str(job.id))
    array = (job.array_handle or services.executor.find(array_name(job.id))) if job.parts is not None else None
    # The job that waits first: otherwise its end would come to be known as that of what it waits for.
    return [known for known in (handle, array) if known is not None]


def _handles_of_child(services: Services, job: Job, array_id: UUID) -> list[str]:
    """The job's own; that of the whole array where no other child of it is at work any more."""
    assert job.array_index is not None, "the database says so of a child"
    with services.pool.connection() as connection:
        known = job.handle or find_handle_of_child(connection, job.tenant_id, array_id)
        is_over = not has_live_children(connection, job.tenant_id, array_id)
    array = parent_of(known) if known is not None else services.executor.find(array_name(array_id))
    if array is None:
        return []
    return [array if is_over else child_handle(array, job.array_index)]
