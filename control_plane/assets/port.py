"""The port to what jobs work on: a video, a batch of answer sheets. What is the same for all kinds knows only this.

Methods that take a connection act in the caller's transaction, which holds the job's row; each takes the asset's row
after it, never before.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from pipeline.contracts.envelope import JobKind, Step
from pipeline.contracts.omr import OmrOutcome
from pipeline.contracts.transcode import TranscodeOutcome
from pipeline.database.job_attempts import AbandonedOutputs
from pipeline.database.jobs import Job
from pipeline.storage.store import ObjectStore

Outcome = TranscodeOutcome | OmrOutcome


@dataclass(frozen=True)
class Status:
    """What a status key holds, and the version of the row that it was made from."""

    key: str
    value: dict[str, Any]
    version: int


class Asset(Protocol):
    """One kind of asset. `noun` begins its reason codes; an outcome object has `outcome_limit_bytes` at most."""

    @property
    def kind(self) -> JobKind: ...

    @property
    def noun(self) -> str: ...

    @property
    def steps(self) -> tuple[Step, ...]: ...

    @property
    def outcome_limit_bytes(self) -> int: ...

    def attempt_prefix(self, tenant_id: str, asset_id: UUID, *, job_id: UUID, attempt: int) -> str:
        """Where one attempt writes; nothing else ever writes there."""

    def progress_keys(self, job: Job) -> tuple[str, ...]:
        """The Redis keys that the job writes its progress to."""

    def told_spec(
        self, connection: Connection[TupleRow], store: ObjectStore, job: Job, *, expires_s: int
    ) -> dict[str, Any]:
        """The kind's own Spec in JSON, with presigned GETs for what the stored spec names."""

    def parse_outcome(self, connection: Connection[TupleRow], job: Job, body: dict[str, Any]) -> Outcome:
        """Raises `Invalid` for what is not an outcome, or not one of this job."""

    def outputs_are_stored(self, store: ObjectStore, prefix: str) -> bool:
        """Whether all is there that READY needs, the outcome object included."""

    def start(self, connection: Connection[TupleRow], job: Job) -> Status | None:
        """An attempt works on it; None where that is no news."""

    def publish(self, connection: Connection[TupleRow], job: Job, *, attempt: int, outcome: Outcome) -> Status:
        """Point the asset at what the attempt has made; raises `Conflict` where its status does not allow that."""

    def stored_outcome(self, outcome: Outcome) -> dict[str, Any]:
        """What the job's row keeps of the outcome."""

    def fail(self, connection: Connection[TupleRow], job: Job, *, reason: str) -> Status | None:
        """The job has ended without a result; None where the asset has an older one and keeps it."""

    def hold(self, connection: Connection[TupleRow], tenant_id: str, asset_id: UUID) -> str:
        """Lock the asset's row and return its status; raises `NotFound`. Who inserts a job for it does so first."""

    def find_statuses(
        self, connection: Connection[TupleRow], tenant_id: str, asset_ids: Collection[UUID]
    ) -> dict[UUID, str]:
        """Of those that there are, without holding them."""

    def reopen(self, connection: Connection[TupleRow], job: Job) -> Status:
        """A new job was inserted for a held asset: where it has FAILED it is UPLOADED again."""

    def list_recent_statuses(self, connection: Connection[TupleRow], *, within_s: float, limit: int) -> list[Status]:
        """Of all tenants: what changed lately; for the cache, once at start."""

    def list_abandoned(self, connection: Connection[TupleRow], *, grace_s: float, limit: int) -> list[AbandonedOutputs]:
        """Of all tenants: ended attempts whose outputs are not, or no longer, published."""
