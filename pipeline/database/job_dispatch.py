"""What the dispatcher writes down of a job: how the executor calls it, what kept it from being taken, and its end."""

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from pipeline.database.jobs import Job, update_live_job


def record_array_handle(connection: Connection[TupleRow], job: Job, *, handle: str) -> Job:
    """What the executor called the array of a job's parts; kept where the row has it already."""
    return update_live_job(
        connection, job, SQL("array_handle = COALESCE(array_handle, %(handle)s)"), {"handle": handle}
    )


def record_handle(connection: Connection[TupleRow], job: Job, *, handle: str) -> Job:
    """What the executor called a submitted job."""
    return update_live_job(
        connection,
        job,
        SQL("handle = %(handle)s, submitted_at = COALESCE(submitted_at, now())"),
        {"handle": handle},
    )


def record_dispatch_failure(connection: Connection[TupleRow], job: Job, *, wait_s: float, detail: str) -> Job:
    """The executor did not take it: try again in `wait_s` seconds."""
    return update_live_job(
        connection,
        job,
        SQL(
            "dispatch_tries = dispatch_tries + 1, dispatch_after = now() + make_interval(secs => %(wait_s)s),"
            " detail = %(detail)s"
        ),
        {"wait_s": wait_s, "detail": detail},
    )


def record_dispatch_error(connection: Connection[TupleRow], job: Job, *, wait_s: float, detail: str) -> Job:
    """The executor broke over it in a way that nobody foresaw: as `record_dispatch_failure`, and counted by itself."""
    return update_live_job(
        connection,
        job,
        SQL(
            "dispatch_tries = dispatch_tries + 1, dispatch_errors = dispatch_errors + 1,"
            " dispatch_after = now() + make_interval(secs => %(wait_s)s), detail = %(detail)s"
        ),
        {"wait_s": wait_s, "detail": detail},
    )


def record_termination(connection: Connection[TupleRow], tenant_id: str, job_id: UUID) -> None:
    """The executor has been told to end a cancelled job."""
    connection.execute(
        "UPDATE jobs SET terminated_at = now(), updated_at = now(), version = version + 1"
        " WHERE tenant_id = %s AND id = %s AND terminated_at IS NULL",
        [tenant_id, job_id],
    )
