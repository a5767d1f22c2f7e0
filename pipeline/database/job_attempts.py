"""The table `job_attempts`: one row for each attempt that called `start`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from pipeline.database.columns import columns_of


@dataclass(frozen=True)
class JobAttempt:
    attempt: int
    started_at: datetime
    ended_at: datetime | None
    ending: str | None
    exit_code: int | None
    reason: str | None
    detail: str
    steps: list[dict[str, Any]]


@dataclass(frozen=True)
class Ending:
    """How an attempt ended. `kind` is succeeded, failed or retry."""

    kind: str
    reason: str | None = None
    detail: str = ""
    steps: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class EndedAttempt:
    """An attempt that has ended, and the executor's handle of its job."""

    tenant_id: str
    job_id: UUID
    attempt: int
    handle: str


@dataclass(frozen=True)
class AbandonedOutputs:
    """An attempt whose outputs nobody plays."""

    tenant_id: str
    job_id: UUID
    asset_id: UUID
    attempt: int


_COLUMNS = columns_of(JobAttempt)


def list_attempts(connection: Connection[TupleRow], tenant_id: str, job_id: UUID) -> list[JobAttempt]:
    query = SQL("SELECT {} FROM job_attempts WHERE tenant_id = %s AND job_id = %s ORDER BY attempt").format(_COLUMNS)
    with connection.cursor(row_factory=class_row(JobAttempt)) as cursor:
        return cursor.execute(query, [tenant_id, job_id]).fetchall()


def insert_attempt(connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, attempt: int) -> None:
    """Does nothing to a row that is there: the answer to a first `start` may have been lost."""
    connection.execute(
        "INSERT INTO job_attempts (tenant_id, job_id, attempt) VALUES (%s, %s, %s)"
        " ON CONFLICT (job_id, attempt) DO NOTHING",
        [tenant_id, job_id, attempt],
    )


def end_attempt(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, attempt: int, ending: Ending
) -> list[JobAttempt]:
    """Close an open attempt, and return it; one that has ended keeps what was said first."""
    return _end(connection, tenant_id, job_id, which=SQL("attempt = %(attempt)s"), attempt=attempt, ending=ending)


def end_attempts_before(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, attempt: int, detail: str
) -> list[JobAttempt]:
    """Close, and return, what older attempts left open: they died without a word, and were repeated."""
    if attempt <= 1:
        return []
    ending = Ending("retry", detail=detail)
    return _end(connection, tenant_id, job_id, which=SQL("attempt < %(attempt)s"), attempt=attempt, ending=ending)


def end_attempts_after(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, attempt: int, detail: str
) -> list[JobAttempt]:
    """Close, and return, what newer attempts left open: they died without a word, and are not needed."""
    ending = Ending("failed", detail=detail)
    return _end(connection, tenant_id, job_id, which=SQL("attempt > %(attempt)s"), attempt=attempt, ending=ending)


def _end(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, which: SQL, attempt: int, ending: Ending
) -> list[JobAttempt]:
    query = SQL(
        "UPDATE job_attempts SET ended_at = now(), ending = %(kind)s, reason = %(reason)s, detail = %(detail)s,"
        " steps = %(steps)s"
        " WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND {} AND ended_at IS NULL RETURNING {}"
    ).format(which, _COLUMNS)
    values = {
        **vars(ending),
        "steps": Jsonb(list(ending.steps)),
        "tenant_id": tenant_id,
        "job_id": job_id,
        "attempt": attempt,
    }
    with connection.cursor(row_factory=class_row(JobAttempt)) as cursor:
        return sorted(cursor.execute(query, values).fetchall(), key=lambda row: row.attempt)


def record_exit_codes(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, codes: Sequence[tuple[int, int]]
) -> None:
    """What the executor says of attempts that have ended: (attempt, exit code) of each."""
    if not codes:
        return
    connection.execute(
        "UPDATE job_attempts a SET exit_code = said.exit_code"
        " FROM unnest(%s::integer[], %s::integer[]) AS said (attempt, exit_code)"
        " WHERE a.tenant_id = %s AND a.job_id = %s AND a.attempt = said.attempt AND a.exit_code IS NULL",
        [[attempt for attempt, _ in codes], [code for _, code in codes], tenant_id, job_id],
    )


def find_missing_exit_codes(connection: Connection[TupleRow], job_ids: Sequence[UUID]) -> set[tuple[UUID, int]]:
    """Of all tenants: (job, attempt) of these jobs' attempts of which the executor has said nothing yet."""
    query = "SELECT job_id, attempt FROM job_attempts WHERE job_id = ANY(%s) AND exit_code IS NULL"
    return set(connection.execute(query, [list(job_ids)]).fetchall())


def list_attempts_without_exit_code(connection: Connection[TupleRow], *, limit: int) -> list[EndedAttempt]:
    """Of all tenants: attempts that ended lately, of which the executor has not said yet with which code.

    Ten minutes on, it will not say any more: the process was lost.
    """
    query = (
        "SELECT a.tenant_id, a.job_id, a.attempt, j.handle FROM job_attempts a"
        " JOIN jobs j ON j.tenant_id = a.tenant_id AND j.id = a.job_id"
        " WHERE a.exit_code IS NULL AND a.ended_at > now() - interval '10 minutes' AND j.handle IS NOT NULL"
        " ORDER BY a.ended_at LIMIT %s"
    )
    with connection.cursor(row_factory=class_row(EndedAttempt)) as cursor:
        return cursor.execute(query, [limit]).fetchall()


def list_abandoned_outputs(connection: Connection[TupleRow], *, grace_s: float, limit: int) -> list[AbandonedOutputs]:
    """Of all tenants: ended attempts of ended jobs whose outputs are not, or no longer, published.

    Everything about job and video has to have rested for `grace_s`: until then a player may still read replaced
    segments, and a stale worker may still hold signed PUTs.
    """
    query = (
        "SELECT a.tenant_id, a.job_id, j.asset_id, a.attempt"
        " FROM job_attempts a"
        " JOIN jobs j ON j.tenant_id = a.tenant_id AND j.id = a.job_id"
        " JOIN videos v ON v.tenant_id = j.tenant_id AND v.id = j.asset_id"
        " WHERE a.outputs_deleted_at IS NULL AND a.ended_at IS NOT NULL"
        " AND j.state IN ('succeeded', 'failed')"
        " AND GREATEST(a.ended_at, j.ended_at, v.updated_at) < now() - make_interval(secs => %s)"
        " AND NOT (v.published_job_id IS NOT DISTINCT FROM j.id AND a.attempt = j.attempt)"
        " ORDER BY a.ended_at LIMIT %s"
    )
    with connection.cursor(row_factory=class_row(AbandonedOutputs)) as cursor:
        return cursor.execute(query, [grace_s, limit]).fetchall()


def record_outputs_deleted(connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, attempt: int) -> None:
    connection.execute(
        "UPDATE job_attempts SET outputs_deleted_at = now() WHERE tenant_id = %s AND job_id = %s AND attempt = %s",
        [tenant_id, job_id, attempt],
    )
