"""Jobs that are children of one array. Each is a job like any other; the array itself has no row."""

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL

from pipeline.database.jobs import COLUMNS, LIVE_ROWS, Job


def find_job_of_child(
    connection: Connection[TupleRow], tenant_id: str, array_id: UUID, *, array_index: int
) -> Job | None:
    query = SQL("SELECT {} FROM jobs WHERE tenant_id = %s AND array_id = %s AND array_index = %s").format(COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [tenant_id, array_id, array_index]).fetchone()


def find_handle_of_child(connection: Connection[TupleRow], tenant_id: str, array_id: UUID) -> str | None:
    """That of the first child which has one; all of an array's begin with the array's own."""
    row = connection.execute(
        "SELECT handle FROM jobs WHERE tenant_id = %s AND array_id = %s AND handle IS NOT NULL"
        " ORDER BY array_index LIMIT 1",
        [tenant_id, array_id],
    ).fetchone()
    return None if row is None else str(row[0])


def count_children(connection: Connection[TupleRow], tenant_id: str, array_id: UUID) -> int:
    """Also of those that have ended: an array has a child for every index."""
    row = connection.execute(
        "SELECT count(*) FROM jobs WHERE tenant_id = %s AND array_id = %s", [tenant_id, array_id]
    ).fetchone()
    assert row is not None
    return int(row[0])


def has_live_children(connection: Connection[TupleRow], tenant_id: str, array_id: UUID) -> bool:
    query = SQL("SELECT EXISTS (SELECT FROM jobs WHERE tenant_id = %s AND array_id = %s AND {})").format(LIVE_ROWS)
    row = connection.execute(query, [tenant_id, array_id]).fetchone()
    assert row is not None
    return bool(row[0])
