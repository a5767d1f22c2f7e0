"""The progress of a job: as of a video, under the job's own keys."""

import json
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from control_plane.assets.kinds import asset_of
from control_plane.assets.port import Status
from control_plane.reconciling.statuses import put_status, status_of_job
from control_plane.services import Services
from pipeline.contracts.envelope import JobKind
from pipeline.database.jobs import find_job
from pipeline.errors import NotFound
from pipeline.identifiers import TenantId
from pipeline.lifecycle.job_state import JobState
from pipeline.progress.answer import compose_answer, is_usable_status, object_of
from pipeline.progress.keys import job_progress, job_status


async def read_job_progress(services: Services, tenant_id: TenantId, job_id: UUID) -> dict[str, Any]:
    """Raises `NotFound` for a job that the tenant does not have."""
    status, progress = await services.progress.read(job_status(tenant_id, job_id), job_progress(tenant_id, job_id))
    if not is_usable_status(status):
        found = await run_in_threadpool(_status_of_row, services, tenant_id, job_id)
        status = json.dumps(found.value)
    # A status that was cached before there were other kinds names none.
    kind = object_of(status).get("kind")
    steps = asset_of(kind if kind in set(JobKind) else JobKind.TRANSCODE).steps
    answer = compose_answer(str(job_id), status, progress, steps=steps, status_if_unknown=JobState.SUBMITTED)
    return {**answer, "state": answer["status"]}


def _status_of_row(services: Services, tenant_id: TenantId, job_id: UUID) -> Status:
    with services.pool.connection() as connection:
        job = find_job(connection, tenant_id, job_id)
    if job is None:
        raise NotFound("job_not_found", f"no job {job_id}")
    status = status_of_job(job)
    put_status(services, status)
    return status
