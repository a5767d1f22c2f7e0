"""The table `job_parts`: one row for each attempt of an array's child that called `start`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from pipeline.database.columns import columns_of
from pipeline.database.job_attempts import Ending


@dataclass(frozen=True)
class PartAttempt:
    """`size_bytes` is that of the archive that a succeeded attempt left."""

    part: int
    attempt: int
    started_at: datetime
    ended_at: datetime | None
    ending: str | None
    reason: str | None
    detail: str
    steps: list[dict[str, Any]]
    size_bytes: int | None


@dataclass(frozen=True)
class AbandonedPart:
    """An attempt at a part of a job that has ended."""

    tenant_id: str
    job_id: UUID
    asset_id: UUID
    part: int
    attempt: int


_COLUMNS = columns_of(PartAttempt)


def find_newest_of_part(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, part: int
) -> PartAttempt | None:
    query = SQL(
        "SELECT {} FROM job_parts WHERE tenant_id = %s AND job_id = %s AND part = %s ORDER BY attempt DESC LIMIT 1"
    ).format(_COLUMNS)
    with connection.cursor(row_factory=class_row(PartAttempt)) as cursor:
        return cursor.execute(query, [tenant_id, job_id, part]).fetchone()


def list_part_attempts(connection: Connection[TupleRow], tenant_id: str, job_id: UUID) -> list[PartAttempt]:
    """By part and attempt."""
    query = SQL("SELECT {} FROM job_parts WHERE tenant_id = %s AND job_id = %s ORDER BY part, attempt").format(_COLUMNS)
    with connection.cursor(row_factory=class_row(PartAttempt)) as cursor:
        return cursor.execute(query, [tenant_id, job_id]).fetchall()


def insert_part_attempt(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, part: int, attempt: int
) -> None:
    """Closes what older attempts left open. Does nothing to a row that is there: an answer may have been lost."""
    connection.execute(
        "UPDATE job_parts SET ended_at = now(), ending = 'retry', detail = 'a newer attempt was started'"
        " WHERE tenant_id = %s AND job_id = %s AND part = %s AND attempt < %s AND ended_at IS NULL",
        [tenant_id, job_id, part, attempt],
    )
    connection.execute(
        "INSERT INTO job_parts (tenant_id, job_id, part, attempt) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (job_id, part, attempt) DO NOTHING",
        [tenant_id, job_id, part, attempt],
    )


def end_part_succeeded(
    connection: Connection[TupleRow],
    tenant_id: str,
    job_id: UUID,
    *,
    part: int,
    attempt: int,
    size_bytes: int,
    steps: tuple[dict[str, Any], ...],
) -> bool:
    """Whether the attempt was open: one that has ended keeps what was said first."""
    done = connection.execute(
        "UPDATE job_parts SET ended_at = now(), ending = 'succeeded', size_bytes = %s, steps = %s"
        " WHERE tenant_id = %s AND job_id = %s AND part = %s AND attempt = %s AND ended_at IS NULL",
        [size_bytes, Jsonb(list(steps)), tenant_id, job_id, part, attempt],
    )
    return done.rowcount == 1


def end_part_failed(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, part: int, attempt: int, ending: Ending
) -> bool:
    """Whether the attempt was open; `ending` is failed or retry."""
    done = connection.execute(
        "UPDATE job_parts SET ended_at = now(), ending = %s, reason = %s, detail = %s, steps = %s"
        " WHERE tenant_id = %s AND job_id = %s AND part = %s AND attempt = %s AND ended_at IS NULL",
        [ending.kind, ending.reason, ending.detail, Jsonb(list(ending.steps)), tenant_id, job_id, part, attempt],
    )
    return done.rowcount == 1


def end_open_parts(connection: Connection[TupleRow], tenant_id: str, job_id: UUID) -> None:
    """The job has ended: whoever is still at work on a part will be told to stop, or has died without a word."""
    connection.execute(
        "UPDATE job_parts SET ended_at = now(), ending = 'retry', detail = 'the job has ended'"
        " WHERE tenant_id = %s AND job_id = %s AND ended_at IS NULL",
        [tenant_id, job_id],
    )


def list_abandoned_parts(connection: Connection[TupleRow], *, grace_s: float, limit: int) -> list[AbandonedPart]:
    """Of all tenants: attempts of jobs that ended `grace_s` ago. A stale worker may still have held signed PUTs."""
    query = (
        "SELECT p.tenant_id, p.job_id, j.asset_id, p.part, p.attempt FROM job_parts p"
        " JOIN jobs j ON j.tenant_id = p.tenant_id AND j.id = p.job_id"
        " WHERE p.outputs_deleted_at IS NULL AND j.ended_at < now() - make_interval(secs => %s)"
        " ORDER BY p.started_at LIMIT %s"
    )
    with connection.cursor(row_factory=class_row(AbandonedPart)) as cursor:
        return cursor.execute(query, [grace_s, limit]).fetchall()


def record_part_deleted(
    connection: Connection[TupleRow], tenant_id: str, job_id: UUID, *, part: int, attempt: int
) -> None:
    connection.execute(
        "UPDATE job_parts SET outputs_deleted_at = now()"
        " WHERE tenant_id = %s AND job_id = %s AND part = %s AND attempt = %s",
        [tenant_id, job_id, part, attempt],
    )
