"""The table `submissions`: one row for each page of a batch that a job has told of, read or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL, Composed, Identifier
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class Submission:
    """A row of `submissions` with the name of its file; the migration says what each column means."""

    id: UUID
    number: int
    tenant_id: str
    batch_id: UUID
    exam_id: str
    file_number: int
    page: int
    status: str
    error_reason: str | None
    answers: dict[str, list[str]]
    identifier: str | None
    corrected: list[str]
    reviewed_by: str | None
    reviewed_at: datetime | None
    meta: dict[str, Any]
    to_review: bool
    version: int
    created_at: datetime
    updated_at: datetime
    file_name: str


@dataclass(frozen=True)
class Standing:
    """What a submission says now: the columns that a reading or a person's word replaces."""

    status: str
    error_reason: str | None
    answers: dict[str, list[str]]
    identifier: str | None
    corrected: list[str]
    reviewed_by: str | None
    reviewed_at: datetime | None
    meta: dict[str, Any]


@dataclass(frozen=True)
class NewSubmission:
    id: UUID
    tenant_id: str
    batch_id: UUID
    exam_id: str
    file_number: int
    page: int
    standing: Standing


@dataclass(frozen=True)
class BatchCounts:
    """`done` sheets are those that are ok, to be reviewed, or refused."""

    done: int = 0
    ok: int = 0
    to_review: int = 0
    refused: int = 0


COLUMNS = SQL(", ").join(
    SQL("f.name AS file_name") if field.name == "file_name" else SQL("s.{}").format(Identifier(field.name))
    for field in fields(Submission)
)
ROWS = SQL(
    "submissions s JOIN omr_files f"
    " ON f.tenant_id = s.tenant_id AND f.batch_id = s.batch_id AND f.number = s.file_number"
)
_STANDING = tuple(field.name for field in fields(Standing))


def insert_submissions(connection: Connection[TupleRow], new: Sequence[NewSubmission]) -> None:
    """In the order given, which is that of the review list."""
    query = SQL(
        "INSERT INTO submissions (id, tenant_id, batch_id, exam_id, file_number, page, {})"
        " VALUES (%s, %s, %s, %s, %s, %s, {})"
    ).format(SQL(", ").join(map(Identifier, _STANDING)), SQL(", ").join(SQL("%s") for _ in _STANDING))
    with connection.cursor() as cursor:
        cursor.executemany(
            query,
            [(n.id, n.tenant_id, n.batch_id, n.exam_id, n.file_number, n.page, *_values(n.standing)) for n in new],
        )


def replace_standings(
    connection: Connection[TupleRow], tenant_id: str, standings: Sequence[tuple[UUID, Standing]]
) -> None:
    """Of rows that the caller holds."""
    query = SQL(
        "UPDATE submissions SET {}, version = version + 1, updated_at = now() WHERE tenant_id = %s AND id = %s"
    ).format(_assignments())
    with connection.cursor() as cursor:
        cursor.executemany(query, [(*_values(standing), tenant_id, key) for key, standing in standings])


def replace_standing(
    connection: Connection[TupleRow], tenant_id: str, submission_id: UUID, *, version: int, standing: Standing
) -> bool:
    """Whether it was done; not where the row has another version than `version`."""
    query = SQL(
        "UPDATE submissions SET {}, version = version + 1, updated_at = now()"
        " WHERE tenant_id = %s AND id = %s AND version = %s"
    ).format(_assignments())
    return connection.execute(query, [*_values(standing), tenant_id, submission_id, version]).rowcount == 1


def _assignments() -> Composed:
    return SQL(", ").join(SQL("{} = %s").format(Identifier(name)) for name in _STANDING)


def _values(standing: Standing) -> list[object]:
    json_columns = {"answers", "meta"}
    return [Jsonb(getattr(standing, name)) if name in json_columns else getattr(standing, name) for name in _STANDING]


def delete_submissions(connection: Connection[TupleRow], tenant_id: str, submission_ids: Sequence[UUID]) -> None:
    connection.execute(
        "DELETE FROM submissions WHERE tenant_id = %s AND id = ANY(%s)", [tenant_id, list(submission_ids)]
    )


def lock_submissions(
    connection: Connection[TupleRow], tenant_id: str, batch_id: UUID, *, file_numbers: Sequence[int]
) -> list[Submission]:
    """Those of some files, held until the transaction ends."""
    query = SQL(
        "SELECT {} FROM {} WHERE s.tenant_id = %s AND s.batch_id = %s AND s.file_number = ANY(%s)"
        " ORDER BY s.id FOR UPDATE OF s"
    ).format(COLUMNS, ROWS)
    with connection.cursor(row_factory=class_row(Submission)) as cursor:
        return cursor.execute(query, [tenant_id, batch_id, list(file_numbers)]).fetchall()


def find_submission(connection: Connection[TupleRow], tenant_id: str, submission_id: UUID) -> Submission | None:
    query = SQL("SELECT {} FROM {} WHERE s.tenant_id = %s AND s.id = %s").format(COLUMNS, ROWS)
    with connection.cursor(row_factory=class_row(Submission)) as cursor:
        return cursor.execute(query, [tenant_id, submission_id]).fetchone()


def count_submissions(
    connection: Connection[TupleRow], tenant_id: str, batch_ids: Sequence[UUID]
) -> dict[UUID, BatchCounts]:
    """By batch; one without any is left out."""
    rows = connection.execute(
        "SELECT batch_id, count(*), count(*) FILTER (WHERE status = 'ANSWERS_READY' AND NOT to_review),"
        " count(*) FILTER (WHERE to_review), count(*) FILTER (WHERE status = 'FAILED')"
        " FROM submissions WHERE tenant_id = %s AND batch_id = ANY(%s) GROUP BY batch_id",
        [tenant_id, list(batch_ids)],
    ).fetchall()
    return {batch_id: BatchCounts(*counts) for batch_id, *counts in rows}
