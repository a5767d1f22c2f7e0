"""`complete`: every file is looked at once, and one transaction pins them and inserts the batch's jobs."""

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.auth import Caller
from control_plane.dispatch import dispatcher
from control_plane.omr.batches import get_batch
from control_plane.omr.settling import status_of_batch
from control_plane.omr.shards import share_out
from control_plane.omr.specs import new_reading_jobs
from control_plane.omr.uploads import Checked, check_files, check_pictures
from control_plane.reconciling.statuses import announce, put_status
from control_plane.services import Services
from pipeline.database.jobs import Job, insert_job
from pipeline.database.omr_batch_moves import advance_batch
from pipeline.database.omr_batches import OmrBatch, lock_batch, record_batch_refusal
from pipeline.database.omr_files import OmrFile, PinnedFile, list_files, pin_files
from pipeline.database.omr_shards import OmrShard, insert_shards
from pipeline.database.omr_templates import list_pictures, pin_pictures
from pipeline.errors import Conflict
from pipeline.lifecycle.batch_state import BatchStatus
from pipeline.logs import get_logger

logger = get_logger(__name__)


def complete_batch(services: Services, caller: Caller, batch_id: UUID) -> OmrBatch:
    """Check the files of a PENDING batch and start its jobs; of one that has them, nothing but the row.

    A refusal raises `Conflict` and stays on the row as its error_reason. Of several calls at once, each may look at
    the files, and one inserts the jobs.
    """
    with services.pool.connection() as connection:
        batch = get_batch(connection, caller.tenant_id, batch_id)
        files = list_files(connection, caller.tenant_id, batch_id)
        pictures = list_pictures(connection, caller.tenant_id, [batch.template_id])
    if batch.status != BatchStatus.PENDING:
        return batch
    try:
        found = check_files(services.store, files)
        found_pictures = check_pictures(services.store, pictures)
    except Conflict as refusal:
        _record_refusal(services, batch, refusal)
        raise
    with services.pool.connection() as connection:
        held = lock_batch(connection, caller.tenant_id, batch_id)
        assert held is not None, "batches are never deleted"
        if held.status != BatchStatus.PENDING:
            return held
        pin_pictures(
            connection, caller.tenant_id, batch.template_id, etags=[(one.name, one.etag) for one in found_pictures]
        )
        batch, jobs, shards = _start(services, connection, held, files, found=found, actor=caller.user_id)
    services.background.wake(dispatcher.NAME)
    for job in jobs:
        announce(services, job, status_of_batch(batch, shards))
    return batch


def _start(
    services: Services,
    connection: Connection[TupleRow],
    batch: OmrBatch,
    files: list[OmrFile],
    *,
    found: list[Checked],
    actor: str,
) -> tuple[OmrBatch, list[Job], list[OmrShard]]:
    settings = services.settings
    shares = share_out(files, pages_per_job=settings.omr_pages_per_job, bytes_per_page=settings.omr_bytes_per_page)
    shard_of = {number: share.shard for share in shares for number in share.file_numbers}
    etag_of = {one.name: one.etag for one in found}
    pinned = [PinnedFile(file.number, etag_of[file.name], shard_of[file.number]) for file in files]
    pin_files(connection, batch.tenant_id, batch.id, files=pinned)
    new = new_reading_jobs(batch, [share.shard for share in shares], created_by=actor)
    jobs = [insert_job(connection, job) for job in new]
    shards = [
        OmrShard(batch.id, share.shard, share.expected_pages, job.id) for share, job in zip(shares, jobs, strict=True)
    ]
    insert_shards(connection, batch.tenant_id, shards)
    moved = advance_batch(connection, batch.tenant_id, batch.id, BatchStatus.UPLOADED, job_id=jobs[0].id, actor=actor)
    assert moved is not None, "its row is held"
    return moved, jobs, shards


def _record_refusal(services: Services, batch: OmrBatch, refusal: Conflict) -> None:
    logger.info("batch_refused", batch_id=str(batch.id), reason=refusal.reason, detail=refusal.detail)
    with services.pool.connection() as connection:
        refused = record_batch_refusal(connection, batch.tenant_id, batch.id, reason=refusal.reason[:500])
    if refused is not None:
        put_status(services, status_of_batch(refused, []))
