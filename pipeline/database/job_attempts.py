"""The table `job_attempts`: one row for each attempt that called `start`."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb


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


_COLUMNS = SQL(", ").join(Identifier(field.name) for field in fields(JobAttempt))


def list_attempts(connection: Connection[TupleRow], tenant_id: str, job_id: UUID) -> list[JobAttempt]:
    query = SQL("SELECT {} FROM job_attempts WHERE tenant_id = %s AND job_id = %s ORDER BY attempt").format(_COLUMNS)
    with connection.cursor(row_factory=class_row(JobAttempt)) as cursor:
        return cursor.execute(query, [tenant_id, job_id]).fetchall()


def list_attempts_ended_here(connection: Connection[TupleRow], tenant_id: str, job_id: UUID) -> list[JobAttempt]:
    """The attempts that the transaction of this connection has ended: `now()` stands still within one."""
    query = SQL(
        "SELECT {} FROM job_attempts WHERE tenant_id = %s AND job_id = %s AND ended_at = now() ORDER BY attempt"
    ).format(_COLUMNS)
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
) -> None:
    """Close an open attempt; one that has ended keeps what was said first."""
    connection.execute(
        "UPDATE job_attempts SET ended_at = now(), ending = %s, reason = %s, detail = %s, steps = %s"
        " WHERE tenant_id = %s AND job_id = %s AND attempt = %s AND ended_at IS NULL",
        [ending.kind, ending.reason, ending.detail, Jsonb(list(ending.steps)), tenant_id, job_id, attempt],
    )


def end_attempts_before(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, attempt: int, detail: str
) -> None:
    """Close what older attempts left open: they died without a word, and were repeated."""
    connection.execute(
        "UPDATE job_attempts SET ended_at = now(), ending = 'retry', detail = %s"
        " WHERE tenant_id = %s AND job_id = %s AND attempt < %s AND ended_at IS NULL",
        [detail, tenant_id, job_id, attempt],
    )


def end_attempts_after(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, attempt: int, detail: str
) -> None:
    """Close what newer attempts left open: they died without a word, and are not needed."""
    connection.execute(
        "UPDATE job_attempts SET ended_at = now(), ending = 'failed', detail = %s"
        " WHERE tenant_id = %s AND job_id = %s AND attempt > %s AND ended_at IS NULL",
        [detail, tenant_id, job_id, attempt],
    )


def record_exit_code(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, attempt: int, exit_code: int
) -> None:
    """What the executor says of an attempt that has ended."""
    connection.execute(
        "UPDATE job_attempts SET exit_code = %s"
        " WHERE tenant_id = %s AND job_id = %s AND attempt = %s AND exit_code IS NULL",
        [exit_code, tenant_id, job_id, attempt],
    )


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
