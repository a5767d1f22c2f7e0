"""The table `omr_batches`. A batch's status is moved by `pipeline.database.omr_batch_moves` alone."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL, Identifier

from pipeline.database.columns import columns_of
from pipeline.database.videos import Cursor


@dataclass(frozen=True)
class OmrBatch:
    """A row of `omr_batches`; the migration says what each column means."""

    id: UUID
    tenant_id: str
    exam_id: str
    title: str | None
    template_id: UUID
    engine: str
    overlays: bool
    created_by: str
    status: str
    error_reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class NewBatch:
    id: UUID
    tenant_id: str
    exam_id: str
    title: str | None
    template_id: UUID
    engine: str
    overlays: bool
    created_by: str


@dataclass(frozen=True)
class BatchFilter:
    exam_id: str | None = None
    status: str | None = None


COLUMNS = columns_of(OmrBatch)
_NEW_COLUMNS = tuple(field.name for field in fields(NewBatch))


def insert_batch(connection: Connection[TupleRow], new: NewBatch) -> OmrBatch:
    """The PENDING row of signed uploads, with the first entry of its history."""
    query = SQL(
        "WITH inserted AS (INSERT INTO omr_batches ({names}) VALUES ({values}) RETURNING *),"
        " history AS (INSERT INTO omr_batch_moves (tenant_id, batch_id, from_status, to_status, actor)"
        "             SELECT tenant_id, id, NULL, status, created_by FROM inserted)"
        " SELECT {columns} FROM inserted"
    ).format(
        names=SQL(", ").join(map(Identifier, _NEW_COLUMNS)),
        values=SQL(", ").join(SQL("%s") for _ in _NEW_COLUMNS),
        columns=COLUMNS,
    )
    with connection.cursor(row_factory=class_row(OmrBatch)) as cursor:
        batch = cursor.execute(query, [getattr(new, name) for name in _NEW_COLUMNS]).fetchone()
    assert batch is not None
    return batch


def find_batch(connection: Connection[TupleRow], tenant_id: str, batch_id: UUID) -> OmrBatch | None:
    query = SQL("SELECT {} FROM omr_batches WHERE tenant_id = %s AND id = %s").format(COLUMNS)
    with connection.cursor(row_factory=class_row(OmrBatch)) as cursor:
        return cursor.execute(query, [tenant_id, batch_id]).fetchone()


def find_batch_statuses(
    connection: Connection[TupleRow], tenant_id: str, batch_ids: Collection[UUID]
) -> dict[UUID, str]:
    """Of those of these batches that there are."""
    query = "SELECT id, status FROM omr_batches WHERE tenant_id = %s AND id = ANY(%s)"
    return dict(connection.execute(query, [tenant_id, list(batch_ids)]).fetchall())


def lock_batch(connection: Connection[TupleRow], tenant_id: str, batch_id: UUID) -> OmrBatch | None:
    """The row, held until the transaction ends. Whoever changes a batch's shards or its jobs holds it first."""
    query = SQL("SELECT {} FROM omr_batches WHERE tenant_id = %s AND id = %s FOR UPDATE").format(COLUMNS)
    with connection.cursor(row_factory=class_row(OmrBatch)) as cursor:
        return cursor.execute(query, [tenant_id, batch_id]).fetchone()


def list_batches(
    connection: Connection[TupleRow], tenant_id: str, *, matching: BatchFilter, after: Cursor | None, limit: int
) -> list[OmrBatch]:
    """A tenant's batches, newest first."""
    conditions = [SQL("tenant_id = %(tenant_id)s")]
    if matching.exam_id is not None:
        conditions.append(SQL("exam_id = %(exam_id)s"))
    if matching.status is not None:
        conditions.append(SQL("status = %(status)s"))
    if after is not None:
        conditions.append(SQL("(created_at, id) < (%(created_at)s, %(id)s)"))
    query = SQL("SELECT {} FROM omr_batches WHERE {} ORDER BY created_at DESC, id DESC LIMIT %(limit)s").format(
        COLUMNS, SQL(" AND ").join(conditions)
    )
    place = vars(after) if after is not None else {}
    with connection.cursor(row_factory=class_row(OmrBatch)) as cursor:
        return cursor.execute(query, {"tenant_id": tenant_id, "limit": limit, **vars(matching), **place}).fetchall()


def list_changed_batches(connection: Connection[TupleRow], *, within_s: float, limit: int) -> list[OmrBatch]:
    """Of all tenants: what changed lately, newest first; for the cache, once at start."""
    query = SQL(
        "SELECT {} FROM omr_batches WHERE updated_at > now() - make_interval(secs => %s)"
        " ORDER BY updated_at DESC LIMIT %s"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(OmrBatch)) as cursor:
        return cursor.execute(query, [within_s, limit]).fetchall()


def record_batch_refusal(
    connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, reason: str
) -> OmrBatch | None:
    """Keep on a PENDING row why `complete` refused it; None where the row has moved on."""
    query = SQL(
        "UPDATE omr_batches SET error_reason = %s, version = version + 1, updated_at = now()"
        " WHERE tenant_id = %s AND id = %s AND status = 'PENDING' RETURNING {}"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(OmrBatch)) as cursor:
        return cursor.execute(query, [reason, tenant_id, batch_id]).fetchone()


def touch_batch(connection: Connection[TupleRow], batch: OmrBatch) -> OmrBatch:
    """Count a change of a held batch's shards or jobs as one of the batch: its status in the cache names them."""
    query = SQL(
        "UPDATE omr_batches SET version = version + 1, updated_at = now() WHERE tenant_id = %s AND id = %s RETURNING {}"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(OmrBatch)) as cursor:
        touched = cursor.execute(query, [batch.tenant_id, batch.id]).fetchone()
    assert touched is not None, "its row is held"
    return touched
