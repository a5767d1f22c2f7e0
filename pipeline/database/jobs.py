"""The table `jobs`. Whoever moves a job holds its row (`lock_job`) and has asked `pipeline.lifecycle.reconcile`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from pipeline.database.columns import columns_of
from pipeline.database.videos import Cursor
from pipeline.identifiers import ids_that_start
from pipeline.lifecycle.job_state import FINAL, JobState, Place


@dataclass(frozen=True)
class Job:
    """A row of `jobs`; the migrations say what each column means. `spec` holds no URL."""

    id: UUID
    tenant_id: str
    kind: str
    asset_id: UUID
    shard: int
    state: str
    attempt: int
    handle: str | None
    parts: int | None
    priority: int | None
    array_handle: str | None
    array_id: UUID | None
    array_index: int | None
    spec: dict[str, Any]
    dispatch_tries: int
    dispatch_errors: int
    dispatch_after: datetime
    outcome: dict[str, Any] | None
    reason: str | None
    detail: str
    cancelled_at: datetime | None
    terminated_at: datetime | None
    version: int
    created_by: str
    created_at: datetime
    submitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime

    @property
    def place(self) -> Place:
        return Place(self.attempt, JobState(self.state))

    @property
    def is_live(self) -> bool:
        return self.place.state not in FINAL


@dataclass(frozen=True)
class NewJob:
    """`shard` counts from 0 where several jobs share the work on an asset.

    With `parts` it joins what the children of an array, which is submitted before it, have made. With `array_id` it is
    itself child `array_index` of an array, and those that name the same one are submitted together.
    """

    id: UUID
    tenant_id: str
    kind: str
    asset_id: UUID
    spec: dict[str, Any]
    created_by: str
    shard: int = 0
    parts: int | None = None
    array_id: UUID | None = None
    array_index: int | None = None
    priority: int | None = None


@dataclass(frozen=True)
class JobFilter:
    """`newest` leaves out jobs after which the same work, an asset's or a shard's, was given to another job.

    `id_start` is how the identifier begins: see `pipeline.identifiers`.
    """

    id_start: str | None = None
    state: str | None = None
    kind: str | None = None
    asset_id: UUID | None = None
    reason: str | None = None
    ended_since: datetime | None = None
    ended_until: datetime | None = None
    newest: bool = False


COLUMNS = columns_of(Job)
LIVE_ROWS = SQL("state NOT IN ('succeeded', 'failed')")
_NEWEST = SQL(
    "NOT EXISTS (SELECT FROM jobs later WHERE later.tenant_id = %(tenant_id)s AND later.asset_id = jobs.asset_id"
    " AND later.kind = jobs.kind AND later.shard = jobs.shard"
    " AND (later.created_at, later.id) > (jobs.created_at, jobs.id))"
)


def find_job(connection: Connection[TupleRow], tenant_id: str, job_id: UUID) -> Job | None:
    query = SQL("SELECT {} FROM jobs WHERE tenant_id = %s AND id = %s").format(COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [tenant_id, job_id]).fetchone()


def lock_job(connection: Connection[TupleRow], tenant_id: str, job_id: UUID) -> Job | None:
    """The row, held until the transaction ends. A job's row is taken before its video's, never after."""
    query = SQL("SELECT {} FROM jobs WHERE tenant_id = %s AND id = %s FOR UPDATE").format(COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [tenant_id, job_id]).fetchone()


def find_live_job(
    connection: Connection[TupleRow], tenant_id: str, asset_id: UUID, *, kind: str, shard: int = 0
) -> Job | None:
    query = SQL(
        "SELECT {} FROM jobs WHERE tenant_id = %s AND asset_id = %s AND kind = %s AND shard = %s AND {}"
    ).format(COLUMNS, LIVE_ROWS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [tenant_id, asset_id, kind, shard]).fetchone()


def find_newest_job(connection: Connection[TupleRow], tenant_id: str, asset_id: UUID) -> Job | None:
    query = SQL(
        "SELECT {} FROM jobs WHERE tenant_id = %s AND asset_id = %s ORDER BY created_at DESC, id DESC LIMIT 1"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, [tenant_id, asset_id]).fetchone()


def list_jobs(
    connection: Connection[TupleRow], tenant_id: str, *, matching: JobFilter, after: Cursor | None, limit: int
) -> list[Job]:
    """A tenant's jobs, newest first."""
    conditions = [SQL("tenant_id = %(tenant_id)s")]
    if matching.id_start is not None:
        conditions.append(SQL("id BETWEEN %(first_id)s AND %(last_id)s"))
    if matching.state is not None:
        conditions.append(SQL("state = %(state)s"))
    if matching.kind is not None:
        conditions.append(SQL("kind = %(kind)s"))
    if matching.asset_id is not None:
        conditions.append(SQL("asset_id = %(asset_id)s"))
    if matching.reason is not None:
        conditions.append(SQL("reason = %(reason)s"))
    if matching.ended_since is not None:
        conditions.append(SQL("ended_at >= %(ended_since)s"))
    if matching.ended_until is not None:
        conditions.append(SQL("ended_at < %(ended_until)s"))
    if matching.newest:
        conditions.append(_NEWEST)
    if after is not None:
        conditions.append(SQL("(created_at, id) < (%(created_at)s, %(id)s)"))
    query = SQL("SELECT {} FROM jobs WHERE {} ORDER BY created_at DESC, id DESC LIMIT %(limit)s").format(
        COLUMNS, SQL(" AND ").join(conditions)
    )
    first_id, last_id = ids_that_start(matching.id_start or "")
    values = {
        "tenant_id": tenant_id,
        **vars(matching),
        "first_id": first_id,
        "last_id": last_id,
        "created_at": after.created_at if after else None,
        "id": after.id if after else None,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(query, values).fetchall()


def insert_job(connection: Connection[TupleRow], new: NewJob) -> Job:
    """A submitted row without a handle, which is the dispatcher's work.

    Raises `psycopg.errors.UniqueViolation` where the asset has a live job of this kind and shard; hold the
    asset's row and look for one first.
    """
    query = SQL(
        "INSERT INTO jobs (id, tenant_id, kind, asset_id, shard, parts, array_id, array_index, priority, spec,"
        " created_by) VALUES (%(id)s, %(tenant_id)s, %(kind)s, %(asset_id)s, %(shard)s, %(parts)s, %(array_id)s,"
        " %(array_index)s, %(priority)s, %(spec)s, %(created_by)s) RETURNING {}"
    ).format(COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        job = cursor.execute(query, {**vars(new), "spec": Jsonb(new.spec)}).fetchone()
    assert job is not None
    return job


def advance_job(connection: Connection[TupleRow], job: Job, place: Place, *, handle: str | None = None) -> Job:
    """Move a held live job forward; `handle` is kept where the row has none yet."""
    return update_live_job(
        connection,
        job,
        SQL(
            "attempt = %(attempt)s, state = %(state)s, handle = COALESCE(handle, %(handle)s),"
            " submitted_at = COALESCE(submitted_at, now()),"
            " started_at = CASE WHEN %(state)s = 'running' THEN COALESCE(started_at, now()) ELSE started_at END"
        ),
        {"attempt": place.attempt, "state": place.state.value, "handle": handle},
    )


def record_retry_reason(connection: Connection[TupleRow], job: Job, *, attempt: int, reason: str, detail: str) -> Job:
    """Keep why an attempt asked to be tried again."""
    return update_live_job(
        connection,
        job,
        SQL("attempt = %(attempt)s, reason = %(reason)s, detail = %(detail)s"),
        {"attempt": attempt, "reason": reason, "detail": detail},
    )


def end_job_succeeded(connection: Connection[TupleRow], job: Job, *, attempt: int, outcome: dict[str, Any]) -> Job:
    return update_live_job(
        connection,
        job,
        SQL(
            "attempt = %(attempt)s, state = 'succeeded', outcome = %(outcome)s, reason = NULL, detail = '',"
            " ended_at = now()"
        ),
        {"attempt": attempt, "outcome": Jsonb(outcome)},
    )


def end_job_failed(connection: Connection[TupleRow], job: Job, *, attempt: int, reason: str, detail: str) -> Job:
    return update_live_job(
        connection,
        job,
        SQL("attempt = %(attempt)s, state = 'failed', reason = %(reason)s, detail = %(detail)s, ended_at = now()"),
        {"attempt": attempt, "reason": reason, "detail": detail},
    )


def end_job_cancelled(connection: Connection[TupleRow], job: Job, *, attempt: int, reason: str, detail: str) -> Job:
    """Failed, with the executor still to be told: see `list_jobs_to_terminate`."""
    return update_live_job(
        connection,
        job,
        SQL(
            "attempt = %(attempt)s, state = 'failed', reason = %(reason)s, detail = %(detail)s, ended_at = now(),"
            " cancelled_at = now()"
        ),
        {"attempt": attempt, "reason": reason, "detail": detail},
    )


def update_live_job(connection: Connection[TupleRow], job: Job, changes: SQL, values: Mapping[str, object]) -> Job:
    """Set what `changes` says. The guard is for programming errors: callers hold the row, and it is live."""
    query = SQL(
        "UPDATE jobs SET {changes}, version = version + 1, updated_at = now()"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND {live} RETURNING {columns}"
    ).format(changes=changes, live=LIVE_ROWS, columns=COLUMNS)
    with connection.cursor(row_factory=class_row(Job)) as cursor:
        updated = cursor.execute(query, {**values, "tenant_id": job.tenant_id, "id": job.id}).fetchone()
    assert updated is not None, f"job {job.id} was moved without holding its row"
    return updated
