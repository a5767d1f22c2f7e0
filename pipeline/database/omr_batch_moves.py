"""The moves of a batch's status, and the table `omr_batch_moves`, their history.

A move is one guarded statement, as of a video: see `pipeline.database.video_moves`.
"""

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL

from pipeline.database.omr_batches import COLUMNS as BATCH_COLUMNS
from pipeline.database.omr_batches import OmrBatch
from pipeline.lifecycle.batch_state import BatchStatus, sources_of

_MOVE = SQL(
    "WITH before AS ("
    "   SELECT tenant_id, id, status FROM omr_batches WHERE tenant_id = %(tenant_id)s AND id = %(id)s FOR UPDATE"
    "), moved AS ("
    "   UPDATE omr_batches b SET status = %(to)s, error_reason = %(reason)s, version = b.version + 1,"
    "   updated_at = now()"
    "   FROM before WHERE b.tenant_id = before.tenant_id AND b.id = before.id AND before.status = ANY(%(sources)s)"
    "   RETURNING b.*, before.status AS from_status"
    "), history AS ("
    "   INSERT INTO omr_batch_moves (tenant_id, batch_id, from_status, to_status, reason, job_id, actor)"
    "   SELECT tenant_id, id, from_status, status, %(reason)s, %(job_id)s, %(actor)s FROM moved"
    ") SELECT {columns} FROM moved"
).format(columns=BATCH_COLUMNS)


def advance_batch(
    connection: Connection[TupleRow],
    tenant_id: str,
    batch_id: UUID,
    to: BatchStatus,
    *,
    actor: str,
    job_id: UUID | None = None,
    reason: str | None = None,
) -> OmrBatch | None:
    """The row after the move; None where its status does not allow it. Only FAILED has a `reason`."""
    values = {
        "tenant_id": tenant_id,
        "id": batch_id,
        "to": to.value,
        "sources": [source.value for source in sources_of(to)],
        "actor": actor,
        "job_id": job_id,
        "reason": reason,
    }
    with connection.cursor(row_factory=class_row(OmrBatch)) as cursor:
        return cursor.execute(_MOVE, values).fetchone()
