"""The progress of a batch: from Redis where it is warm, else from the rows, which warm it again."""

import json
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from control_plane.assets.port import Status
from control_plane.omr.settling import status_of_batch
from control_plane.reconciling.statuses import put_status
from control_plane.services import Services
from pipeline.contracts.omr import STEPS
from pipeline.database.omr_batches import find_batch
from pipeline.database.omr_shards import list_shards
from pipeline.errors import NotFound
from pipeline.identifiers import TenantId
from pipeline.lifecycle.batch_state import BatchStatus
from pipeline.progress.answer import object_of
from pipeline.progress.batch_answer import compose_batch_answer, job_ids_of
from pipeline.progress.keys import batch_status, job_progress


async def read_batch_progress(services: Services, tenant_id: TenantId, batch_id: UUID) -> dict[str, Any]:
    """Raises `NotFound` for a batch that the tenant does not have.

    The key names the tenant of the token, so what another tenant cached is never read.
    """
    (status,) = await services.progress.read_all([batch_status(tenant_id, batch_id)])
    if object_of(status).get("status") not in set(BatchStatus):
        found = await run_in_threadpool(_status_of_row, services, tenant_id, batch_id)
        status = json.dumps(found.value)
    job_ids = job_ids_of(status)
    texts = await services.progress.read_all([job_progress(tenant_id, job_id) for job_id in job_ids])
    progress = dict(zip(job_ids, texts, strict=True))
    return compose_batch_answer(str(batch_id), status, progress, steps=STEPS)


def _status_of_row(services: Services, tenant_id: TenantId, batch_id: UUID) -> Status:
    with services.pool.connection() as connection:
        batch = find_batch(connection, tenant_id, batch_id)
        if batch is None:
            raise NotFound("batch_not_found", f"no batch {batch_id}")
        shards = list_shards(connection, tenant_id, batch_id)
    status = status_of_batch(batch, shards)
    put_status(services, status)
    return status
