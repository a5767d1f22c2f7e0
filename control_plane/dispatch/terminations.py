"""Tells the executor of cancelled jobs until it has heard of each."""

from threading import Event

from control_plane.services import Services
from pipeline.database.jobs import list_jobs_to_terminate, record_termination
from pipeline.logs import get_logger

NAME = "terminations"
# A cancel wakes the loop; this is for an executor that was away.
EVERY_S = 5.0
AT_ONCE = 100

logger = get_logger(__name__)


def terminate_cancelled(services: Services, stopping: Event) -> None:
    with services.pool.connection() as connection:
        jobs = list_jobs_to_terminate(connection, limit=AT_ONCE)
    for job in jobs:
        if stopping.is_set():
            return
        # A job without a handle may still have been submitted by a dispatcher that died before it could write it down.
        handle = job.handle or services.executor.find(str(job.id))
        if handle is not None:
            services.executor.cancel(handle, f"{job.reason}: {job.detail}")
        with services.pool.connection() as connection:
            record_termination(connection, job.tenant_id, job.id)
        logger.info("job_terminated", job_id=str(job.id), handle=handle)
