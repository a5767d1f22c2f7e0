"""Pages of submissions: a batch's in the order of its files, and those that a person has to look at, oldest first."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL

from pipeline.database.submissions import COLUMNS, ROWS, Submission


@dataclass(frozen=True)
class SheetFilter:
    status: str | None = None
    review: Literal["required", "settled"] | None = None


@dataclass(frozen=True)
class ReviewFilter:
    exam_id: str | None = None
    batch_id: UUID | None = None
    reason: str | None = None


def list_sheets(
    connection: Connection[TupleRow],
    tenant_id: str,
    batch_id: UUID,
    *,
    matching: SheetFilter,
    after: tuple[int, int] | None,
    limit: int,
) -> list[Submission]:
    """In the order of files and pages; `after` is the file number and page of the last row of the page before."""
    conditions = [SQL("s.tenant_id = %(tenant_id)s AND s.batch_id = %(batch_id)s")]
    if matching.status is not None:
        conditions.append(SQL("s.status = %(status)s"))
    if matching.review is not None:
        conditions.append(SQL("s.to_review") if matching.review == "required" else SQL("s.reviewed_at IS NOT NULL"))
    if after is not None:
        conditions.append(SQL("(s.file_number, s.page) > (%(file_number)s, %(page)s)"))
    query = SQL("SELECT {} FROM {} WHERE {} ORDER BY s.file_number, s.page LIMIT %(limit)s").format(
        COLUMNS, ROWS, SQL(" AND ").join(conditions)
    )
    values = {
        "tenant_id": tenant_id,
        "batch_id": batch_id,
        "status": matching.status,
        "file_number": after[0] if after is not None else None,
        "page": after[1] if after is not None else None,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Submission)) as cursor:
        return cursor.execute(query, values).fetchall()


def list_to_review(
    connection: Connection[TupleRow], tenant_id: str, *, matching: ReviewFilter, after: int | None, limit: int
) -> list[Submission]:
    """Oldest first; `after` is the `number` of the last row of the page before."""
    conditions = [SQL("s.tenant_id = %(tenant_id)s AND s.to_review")]
    if matching.exam_id is not None:
        conditions.append(SQL("s.exam_id = %(exam_id)s"))
    if matching.batch_id is not None:
        conditions.append(SQL("s.batch_id = %(batch_id)s"))
    if matching.reason is not None:
        conditions.append(SQL("jsonb_exists(s.meta -> 'manual_review' -> 'reasons', %(reason)s)"))
    if after is not None:
        conditions.append(SQL("s.number > %(after)s"))
    query = SQL("SELECT {} FROM {} WHERE {} ORDER BY s.number LIMIT %(limit)s").format(
        COLUMNS, ROWS, SQL(" AND ").join(conditions)
    )
    values = {"tenant_id": tenant_id, **vars(matching), "after": after, "limit": limit}
    with connection.cursor(row_factory=class_row(Submission)) as cursor:
        return cursor.execute(query, values).fetchall()
