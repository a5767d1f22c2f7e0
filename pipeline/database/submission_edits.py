"""The table `submission_edits`: what people said of a submission, and when. Rows are only ever added."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from pipeline.database.columns import columns_of


@dataclass(frozen=True)
class SubmissionEdit:
    """`version` is the submission's after the edit; `answers` and `identifier` are what was named, nothing else."""

    version: int
    action: str
    answers: dict[str, list[str]]
    identifier: str | None
    note: str
    edited_by: str
    edited_at: datetime


_COLUMNS = columns_of(SubmissionEdit)


def insert_edit(connection: Connection[TupleRow], tenant_id: str, submission_id: UUID, *, edit: SubmissionEdit) -> None:
    connection.execute(
        SQL("INSERT INTO submission_edits (tenant_id, submission_id, {}) VALUES (%s, %s, {})").format(
            _COLUMNS, SQL(", ").join(SQL("%s") for _ in fields(SubmissionEdit))
        ),
        [
            tenant_id,
            submission_id,
            edit.version,
            edit.action,
            Jsonb(edit.answers),
            edit.identifier,
            edit.note,
            edit.edited_by,
            edit.edited_at,
        ],
    )


def list_edits(connection: Connection[TupleRow], tenant_id: str, submission_id: UUID) -> list[SubmissionEdit]:
    """In the order in which they were made."""
    query = SQL("SELECT {} FROM submission_edits WHERE tenant_id = %s AND submission_id = %s ORDER BY version").format(
        _COLUMNS
    )
    with connection.cursor(row_factory=class_row(SubmissionEdit)) as cursor:
        return cursor.execute(query, [tenant_id, submission_id]).fetchall()
