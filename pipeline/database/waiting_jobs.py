"""Jobs that have not begun, for whoever asks why."""

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL

from pipeline.database.jobs import COLUMNS, Job
from pipeline.database.videos import Cursor


def list_waiting_jobs(
    connection: Connection[TupleRow], tenant_id: str, *, after: Cursor | None, limit: int
) -> list[Job]:
    """A tenant's live jobs of which no attempt runs, oldest first."""
    # The words are those of the index jobs_waiting.
    query = SQL(
        "SELECT {} FROM jobs WHERE tenant_id = %(tenant_id)s"
        " AND state IN ('submitted', 'pending', 'runnable', 'starting')"
        " AND (%(id)s::uuid IS NULL OR (created_at, id) > (%(created_at)s::timestamptz, %(id)s::uuid))"
        " ORDER BY created_at, id LIMIT %(limit)s"
    ).format(COLUMNS)
    values = {
        "tenant_id": tenant_id,
        "created_at": after.created_at if after else None,
        "id": after.id if after else None,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, values).fetchall()
