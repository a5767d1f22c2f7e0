"""Batches: a PENDING row with signed PUTs, another try for what has failed, and an end before it is done."""

from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.auth import Caller
from control_plane.dispatch import dispatcher, terminations
from control_plane.internal_jobs.tokens import JobKey
from control_plane.omr.calls import BatchCall
from control_plane.omr.settling import status_of_batch
from control_plane.omr.specs import new_reading_jobs
from control_plane.omr.templates import get_template
from control_plane.omr.uploads import SHEETS, check_calls
from control_plane.reconciling.apply import apply_news
from control_plane.reconciling.statuses import announce, put_status
from control_plane.services import Services
from pipeline.contracts.envelope import JobKind
from pipeline.database.jobs import Job, find_live_job, insert_job
from pipeline.database.omr_batch_moves import advance_batch
from pipeline.database.omr_batches import NewBatch, OmrBatch, find_batch, insert_batch, lock_batch, touch_batch
from pipeline.database.omr_files import OmrFile, insert_files, list_files
from pipeline.database.omr_shards import list_shards, record_shard_job
from pipeline.errors import Conflict, Invalid, NotFound
from pipeline.lifecycle.batch_state import BatchStatus
from pipeline.lifecycle.reconcile import Cancelled
from pipeline.storage.keys import batch_file_key


def init_batch(services: Services, caller: Caller, call: BatchCall) -> tuple[OmrBatch, list[OmrFile]]:
    """Raises `NotFound` for a template that the tenant does not have, and `Invalid`."""
    check_calls(call.files, types=SHEETS)
    size = sum(file.size for file in call.files)
    if size > services.settings.omr_max_batch_bytes:
        raise Invalid("size_too_large", f"{size} bytes are more than {services.settings.omr_max_batch_bytes}")
    new = NewBatch(
        id=uuid4(),
        tenant_id=caller.tenant_id,
        exam_id=str(call.exam),
        title=call.title,
        template_id=call.template_id,
        engine=call.engine,
        overlays=call.overlays,
        created_by=caller.user_id,
    )
    files = [
        OmrFile(
            number=number,
            name=file.name,
            content_type=file.content_type,
            declared_bytes=file.size,
            key=batch_file_key(caller.tenant_id, new.id, number, SHEETS[file.content_type]),
        )
        for number, file in enumerate(call.files, start=1)
    ]
    with services.pool.connection() as connection:
        get_template(connection, caller.tenant_id, call.template_id)
        batch = insert_batch(connection, new)
        insert_files(connection, caller.tenant_id, new.id, files=files)
    put_status(services, status_of_batch(batch, []))
    return batch, files


def get_batch(connection: Connection[TupleRow], tenant_id: str, batch_id: UUID) -> OmrBatch:
    """Raises `NotFound`."""
    batch = find_batch(connection, tenant_id, batch_id)
    if batch is None:
        raise NotFound("batch_not_found", f"no batch {batch_id}")
    return batch


def list_awaited_files(services: Services, caller: Caller, batch_id: UUID) -> list[OmrFile]:
    """The files of a PENDING batch; raises `Conflict` once it is complete."""
    with services.pool.connection() as connection:
        batch = get_batch(connection, caller.tenant_id, batch_id)
        if batch.status != BatchStatus.PENDING:
            raise Conflict(
                "batch_is_not_pending", f"batch {batch_id} is {batch.status}; only a PENDING one takes uploads"
            )
        return list_files(connection, caller.tenant_id, batch_id)


def retry_batch(services: Services, caller: Caller, batch_id: UUID) -> OmrBatch:
    """New jobs for the shards of a FAILED or UPLOADED batch that have no result and no live job."""
    with services.pool.connection() as connection:
        batch = lock_batch(connection, caller.tenant_id, batch_id)
        if batch is None:
            raise NotFound("batch_not_found", f"no batch {batch_id}")
        if batch.status not in {BatchStatus.FAILED, BatchStatus.UPLOADED}:
            raise Conflict("retry_not_allowed", f"batch {batch_id} is {batch.status}, not FAILED or UPLOADED")
        unread = [
            shard.shard
            for shard in list_shards(connection, caller.tenant_id, batch_id)
            if shard.error_reason is not None
            and find_live_job(connection, caller.tenant_id, batch_id, kind=JobKind.OMR, shard=shard.shard) is None
        ]
        new = new_reading_jobs(batch, unread, created_by=caller.user_id)
        jobs = [insert_job(connection, job) for job in new]
        for job in jobs:
            record_shard_job(connection, caller.tenant_id, batch_id, shard=job.shard, job_id=job.id)
        if not jobs:
            return batch
        moved = advance_batch(
            connection, caller.tenant_id, batch_id, BatchStatus.UPLOADED, job_id=jobs[0].id, actor=caller.user_id
        )
        batch = moved or touch_batch(connection, batch)
        status = status_of_batch(batch, list_shards(connection, caller.tenant_id, batch_id))
    services.background.wake(dispatcher.NAME)
    for job in jobs:
        announce(services, job, status)
    return batch


def cancel_batch(services: Services, caller: Caller, batch_id: UUID) -> None:
    """End every live job of the batch. Raises `Conflict` where it has none, and `NotFound`."""
    with services.pool.connection() as connection:
        get_batch(connection, caller.tenant_id, batch_id)
        shards = list_shards(connection, caller.tenant_id, batch_id)
    cancelled = [job for shard in shards if (job := _cancelled(services, caller, shard.job_id)) is not None]
    if not cancelled:
        raise Conflict("batch_has_no_live_job", f"nothing works on batch {batch_id}")
    services.background.wake(terminations.NAME)


def _cancelled(services: Services, caller: Caller, job_id: UUID) -> Job | None:
    """None for a job that has ended by itself."""
    try:
        return apply_news(services, JobKey(caller.tenant_id, job_id), Cancelled(by=caller.user_id))
    except Conflict:
        return None
