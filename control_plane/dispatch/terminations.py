"""Tells the executor of cancelled jobs until it has heard of each."""

from threading import Event

from control_plane.services import Services
from pipeline.database.jobs import Job, record_termination
from pipeline.database.jobs_of_all_tenants import list_jobs_to_terminate
from pipeline.logs import get_logger

NAME = "terminations"
# A cancel wakes the loop; this is for an executor that was away.
EVERY_S = 5.0
AT_ONCE = 100

logger = get_logger(__name__)


def terminate_cancelled(services: Services, stopping: Event) -> None:
    """What breaks over one job is raised when the others have had their turn."""
    errors: list[Exception] = []
    with services.pool.connection() as connection:
        jobs = list_jobs_to_terminate(connection, limit=AT_ONCE)
    for job in jobs:
        if stopping.is_set():
            return
        try:
            _terminate(services, job)
        except Exception as exc:  # noqa: BLE001  # the boundary of one job; the loop logs what is raised in the end
            logger.warning("termination_failed", job_id=str(job.id), error=repr(exc))
            errors.append(exc)
    if errors:
        raise errors[0]


def _terminate(services: Services, job: Job) -> None:
    # A job without a handle may still have been submitted by a dispatcher that died before it could write it down.
    handle = job.handle or services.executor.find(str(job.id))
    if handle is not None:
        services.executor.cancel(handle, f"{job.reason}: {job.detail}")
    with services.pool.connection() as connection:
        record_termination(connection, job.tenant_id, job.id)
    logger.info("job_terminated", job_id=str(job.id), handle=handle)
