"""The table `omr_shards`: the parts of a batch, each read by a job of its own. Whoever changes one holds the batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL

from pipeline.database.columns import columns_of
from pipeline.database.job_attempts import AbandonedOutputs


@dataclass(frozen=True)
class OmrShard:
    """`job_id` is the newest job; the migration says what the other columns mean."""

    batch_id: UUID
    shard: int
    expected_pages: int
    job_id: UUID
    published_job_id: UUID | None = None
    published_attempt: int | None = None
    error_reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether its first result, or the news that there is none, has still to come."""
        return self.published_job_id is None and self.error_reason is None


_COLUMNS = columns_of(OmrShard)


def insert_shards(connection: Connection[TupleRow], tenant_id: str, shards: Sequence[OmrShard]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO omr_shards (tenant_id, batch_id, shard, expected_pages, job_id) VALUES (%s, %s, %s, %s, %s)",
            [(tenant_id, s.batch_id, s.shard, s.expected_pages, s.job_id) for s in shards],
        )


def list_shards(connection: Connection[TupleRow], tenant_id: str, batch_id: UUID) -> list[OmrShard]:
    query = SQL("SELECT {} FROM omr_shards WHERE tenant_id = %s AND batch_id = %s ORDER BY shard").format(_COLUMNS)
    with connection.cursor(row_factory=class_row(OmrShard)) as cursor:
        return cursor.execute(query, [tenant_id, batch_id]).fetchall()


def find_shard(connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, shard: int) -> OmrShard | None:
    query = SQL("SELECT {} FROM omr_shards WHERE tenant_id = %s AND batch_id = %s AND shard = %s").format(_COLUMNS)
    with connection.cursor(row_factory=class_row(OmrShard)) as cursor:
        return cursor.execute(query, [tenant_id, batch_id, shard]).fetchone()


def record_shard_job(
    connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, shard: int, job_id: UUID
) -> None:
    """A new job works on the shard; what an older one has published stays."""
    connection.execute(
        "UPDATE omr_shards SET job_id = %s, error_reason = NULL WHERE tenant_id = %s AND batch_id = %s AND shard = %s",
        [job_id, tenant_id, batch_id, shard],
    )


def record_shard_published(
    connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, shard: int, job_id: UUID, attempt: int
) -> None:
    connection.execute(
        "UPDATE omr_shards SET published_job_id = %s, published_attempt = %s, error_reason = NULL"
        " WHERE tenant_id = %s AND batch_id = %s AND shard = %s",
        [job_id, attempt, tenant_id, batch_id, shard],
    )


def record_shard_failed(
    connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, shard: int, reason: str
) -> bool:
    """Whether the shard is without a result now; one that has an older result keeps it."""
    cursor = connection.execute(
        "UPDATE omr_shards SET error_reason = %s"
        " WHERE tenant_id = %s AND batch_id = %s AND shard = %s AND published_job_id IS NULL",
        [reason, tenant_id, batch_id, shard],
    )
    return cursor.rowcount == 1


def list_abandoned_readings(connection: Connection[TupleRow], *, grace_s: float, limit: int) -> list[AbandonedOutputs]:
    """Of all tenants: as `list_abandoned_outputs`, for attempts at answer sheets whose overlays nobody is shown."""
    query = (
        "SELECT a.tenant_id, a.job_id, j.asset_id, a.attempt"
        " FROM job_attempts a"
        " JOIN jobs j ON j.tenant_id = a.tenant_id AND j.id = a.job_id AND j.kind = 'omr'"
        " JOIN omr_batches b ON b.tenant_id = j.tenant_id AND b.id = j.asset_id"
        " JOIN omr_shards s ON s.tenant_id = b.tenant_id AND s.batch_id = b.id AND s.shard = j.shard"
        " WHERE a.outputs_deleted_at IS NULL AND a.ended_at IS NOT NULL"
        " AND j.state IN ('succeeded', 'failed')"
        " AND GREATEST(a.ended_at, j.ended_at, b.updated_at) < now() - make_interval(secs => %s)"
        " AND NOT (s.published_job_id IS NOT DISTINCT FROM j.id AND s.published_attempt = a.attempt)"
        " ORDER BY a.ended_at LIMIT %s"
    )
    with connection.cursor(row_factory=class_row(AbandonedOutputs)) as cursor:
        return cursor.execute(query, [grace_s, limit]).fetchall()
