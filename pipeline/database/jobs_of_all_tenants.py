"""Jobs of all tenants: what the loops of the control plane look for, whosever it is."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL

from pipeline.database.jobs import COLUMNS, LIVE_ROWS, Job


def find_jobs_by_handles(connection: Connection[TupleRow], handles: Sequence[str]) -> list[Job]:
    """Those whose own handle, or that of the array of their parts, is one of these.

    An executor knows nothing of tenants, and its handles are unique.
    """
    query = SQL("SELECT {} FROM jobs WHERE handle = ANY(%s) OR array_handle = ANY(%s)").format(COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [list(handles), list(handles)]).fetchall()


def list_changed_jobs(connection: Connection[TupleRow], *, within_s: float, limit: int) -> list[Job]:
    """What changed lately, newest first; for the cache, once at start."""
    query = SQL(
        "SELECT {} FROM jobs WHERE updated_at > now() - make_interval(secs => %s) ORDER BY updated_at DESC LIMIT %s"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [within_s, limit]).fetchall()


def lock_next_to_dispatch(connection: Connection[TupleRow], *, served: str = "") -> Job | None:
    """The dispatcher's next job, held; rows that another dispatcher holds are passed over.

    Tenants take turns: it is one of the tenant that comes after `served` by name. Of an array's children only the first
    that waits is due: the next one finds what that one has submitted.
    """
    query = SQL(
        "SELECT {} FROM jobs WHERE state = 'submitted' AND handle IS NULL AND dispatch_after <= now()"
        " AND NOT EXISTS (SELECT FROM jobs first WHERE first.array_id = jobs.array_id"
        " AND first.array_index < jobs.array_index AND first.state = 'submitted' AND first.handle IS NULL)"
        " ORDER BY tenant_id <= %s, tenant_id, dispatch_after LIMIT 1 FOR UPDATE OF jobs SKIP LOCKED"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [served]).fetchone()


def list_live_jobs(connection: Connection[TupleRow], *, after: UUID | None, limit: int) -> list[Job]:
    """The sweep's jobs, which the executor has taken and that have not ended, by id."""
    query = SQL(
        "SELECT {} FROM jobs WHERE {} AND handle IS NOT NULL"
        " AND id > COALESCE(%s, '00000000-0000-0000-0000-000000000000'::uuid) ORDER BY id LIMIT %s"
    ).format(COLUMNS, LIVE_ROWS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [after, limit]).fetchall()


def list_jobs_to_terminate(connection: Connection[TupleRow], *, after: Job | None, limit: int) -> list[Job]:
    """Cancelled jobs of which the executor has still to be told, the oldest cancel first."""
    query = SQL(
        "SELECT {} FROM jobs WHERE cancelled_at IS NOT NULL AND terminated_at IS NULL"
        " AND (cancelled_at, id) > (COALESCE(%s, '-infinity'::timestamptz), %s) ORDER BY cancelled_at, id LIMIT %s"
    ).format(COLUMNS)
    values = [after.cancelled_at if after is not None else None, after.id if after is not None else UUID(int=0), limit]
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, values).fetchall()
