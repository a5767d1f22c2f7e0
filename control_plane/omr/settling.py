"""When a batch has ended, and what the cache says of it."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.assets.port import Status
from pipeline.database.omr_batch_moves import advance_batch
from pipeline.database.omr_batches import OmrBatch, touch_batch
from pipeline.database.omr_shards import OmrShard, list_shards
from pipeline.lifecycle.batch_state import BatchStatus
from pipeline.progress.keys import batch_status


def settle(connection: Connection[TupleRow], batch: OmrBatch, *, job_id: UUID, actor: str) -> Status:
    """Move a held batch on after one of its shards has ended: READY or FAILED once no first result is to come.

    One that is FAILED, since another shard has no result, stays so when a shard that has one was read again.
    """
    shards = list_shards(connection, batch.tenant_id, batch.id)
    reason = next((shard.error_reason for shard in shards if shard.error_reason is not None), None)
    status = BatchStatus.READY if reason is None else BatchStatus.FAILED
    if any(shard.is_open for shard in shards) or batch.status == status == BatchStatus.FAILED:
        return status_of_batch(touch_batch(connection, batch), shards)
    moved = advance_batch(
        connection,
        batch.tenant_id,
        batch.id,
        status,
        job_id=job_id,
        actor=actor,
        reason=reason,
    )
    assert moved is not None, f"batch {batch.id} is held and {batch.status}"
    return status_of_batch(moved, shards)


def status_of_batch(batch: OmrBatch, shards: Sequence[OmrShard]) -> Status:
    """With the jobs whose progress makes up the batch's, each with the pages that it is expected to read."""
    value = {
        "id": str(batch.id),
        "status": batch.status,
        "error_reason": batch.error_reason,
        "pages_total": sum(shard.expected_pages for shard in shards),
        "pages_ended": sum(shard.expected_pages for shard in shards if not shard.is_open),
        "jobs": [{"job_id": str(shard.job_id), "pages": shard.expected_pages} for shard in shards if shard.is_open],
    }
    return Status(batch_status(batch.tenant_id, batch.id), value, batch.version)
