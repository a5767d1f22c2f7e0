"""A batch of answer sheets as what OMR jobs work on, a shard each."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.assets.parsing import parse_outcome
from control_plane.assets.port import Outcome, Status
from control_plane.omr import specs
from control_plane.omr.publishing import check_outcome, publish_readings
from control_plane.omr.settling import settle, status_of_batch
from pipeline.contracts.envelope import JobKind
from pipeline.contracts.omr import STEPS, OmrOutcome
from pipeline.database.job_attempts import AbandonedOutputs
from pipeline.database.jobs import Job
from pipeline.database.omr_batch_moves import advance_batch
from pipeline.database.omr_batches import find_batch_statuses, list_changed_batches, lock_batch, touch_batch
from pipeline.database.omr_shards import (
    list_abandoned_readings,
    list_shards,
    record_shard_failed,
    record_shard_job,
    record_shard_published,
)
from pipeline.errors import Conflict, NotFound
from pipeline.lifecycle.batch_state import BatchStatus
from pipeline.progress.keys import job_progress
from pipeline.storage.keys import outcome_key, readings_prefix
from pipeline.storage.store import ObjectStore

ACTOR = f"job:{JobKind.OMR}"


class BatchAsset:
    """Implements `Asset`."""

    kind = JobKind.OMR
    noun = "batch"
    steps = STEPS
    # A page of 100 questions is about 10 kB, and a shard of faxes, small as they are, has some 4,000 pages.
    outcome_limit_bytes = 64 * 1024 * 1024

    def attempt_prefix(self, tenant_id: str, asset_id: UUID, *, job_id: UUID, attempt: int) -> str:
        return readings_prefix(tenant_id, asset_id, job_id, attempt)

    def progress_keys(self, job: Job) -> tuple[str, ...]:
        """The job's own only: a batch's progress is put together from those of its jobs."""
        return (job_progress(job.tenant_id, job.id),)

    def told_spec(
        self, connection: Connection[TupleRow], store: ObjectStore, job: Job, *, expires_s: int
    ) -> dict[str, Any]:
        return specs.told_spec(connection, store, job, expires_s=expires_s)

    def parse_outcome(self, connection: Connection[TupleRow], job: Job, body: dict[str, Any]) -> Outcome:
        outcome = parse_outcome(OmrOutcome, body)
        check_outcome(connection, job, outcome)
        return outcome

    def outputs_are_stored(self, store: ObjectStore, prefix: str) -> bool:
        """Overlays are uploaded before the outcome object."""
        return store.find(outcome_key(prefix)) is not None

    def start(self, connection: Connection[TupleRow], job: Job) -> Status | None:
        batch = advance_batch(
            connection, job.tenant_id, job.asset_id, BatchStatus.PROCESSING, job_id=job.id, actor=ACTOR
        )
        return status_of_batch(batch, list_shards(connection, batch.tenant_id, batch.id)) if batch else None

    def publish(self, connection: Connection[TupleRow], job: Job, *, attempt: int, outcome: Outcome) -> Status:
        assert isinstance(outcome, OmrOutcome)
        batch = lock_batch(connection, job.tenant_id, job.asset_id)
        if batch is None or batch.status == BatchStatus.PENDING:
            raise Conflict("batch_cannot_be_ready", f"batch {job.asset_id} of job {job.id} does not allow READY")
        publish_readings(connection, batch, job, outcome)
        record_shard_published(connection, batch.tenant_id, batch.id, shard=job.shard, job_id=job.id, attempt=attempt)
        return settle(connection, batch, job_id=job.id, actor=ACTOR)

    def stored_outcome(self, outcome: Outcome) -> dict[str, Any]:
        """Without the sheets, which are submissions now; with how many they were."""
        assert isinstance(outcome, OmrOutcome)
        refused = sum(sheet.state == "refused" for sheet in outcome.sheets)
        counts = {"read": len(outcome.sheets) - refused, "refused": refused}
        return {**outcome.model_dump(mode="json", exclude={"sheets"}), "sheets": counts}

    def fail(self, connection: Connection[TupleRow], job: Job, *, reason: str) -> Status | None:
        """A batch that is READY stays so."""
        batch = lock_batch(connection, job.tenant_id, job.asset_id)
        assert batch is not None, "batches are never deleted"
        record_shard_failed(connection, batch.tenant_id, batch.id, shard=job.shard, reason=reason)
        if batch.status not in {BatchStatus.UPLOADED, BatchStatus.PROCESSING}:
            return None
        return settle(connection, batch, job_id=job.id, actor=ACTOR)

    def hold(self, connection: Connection[TupleRow], tenant_id: str, asset_id: UUID) -> str:
        batch = lock_batch(connection, tenant_id, asset_id)
        if batch is None:
            raise NotFound("batch_not_found", f"no batch {asset_id}")
        return batch.status

    def find_statuses(
        self, connection: Connection[TupleRow], tenant_id: str, asset_ids: Collection[UUID]
    ) -> dict[UUID, str]:
        return find_batch_statuses(connection, tenant_id, asset_ids)

    def reopen(self, connection: Connection[TupleRow], job: Job) -> Status:
        record_shard_job(connection, job.tenant_id, job.asset_id, shard=job.shard, job_id=job.id)
        batch = lock_batch(connection, job.tenant_id, job.asset_id)
        assert batch is not None, "its row is held"
        if batch.status == BatchStatus.FAILED:
            moved = advance_batch(
                connection, batch.tenant_id, batch.id, BatchStatus.UPLOADED, job_id=job.id, actor=job.created_by
            )
            assert moved is not None, "its row is held"
            batch = moved
        else:
            batch = touch_batch(connection, batch)
        return status_of_batch(batch, list_shards(connection, batch.tenant_id, batch.id))

    def list_recent_statuses(self, connection: Connection[TupleRow], *, within_s: float, limit: int) -> list[Status]:
        return [
            status_of_batch(batch, list_shards(connection, batch.tenant_id, batch.id))
            for batch in list_changed_batches(connection, within_s=within_s, limit=limit)
        ]

    def list_abandoned(self, connection: Connection[TupleRow], *, grace_s: float, limit: int) -> list[AbandonedOutputs]:
        return list_abandoned_readings(connection, grace_s=grace_s, limit=limit)
