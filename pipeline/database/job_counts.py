"""How many jobs of all tenants have not ended, how long they have been waiting, and which of them nobody speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from pipeline.contracts.envelope import JobKind
from pipeline.lifecycle.job_state import JobState

Limits = Mapping[tuple[JobKind, JobState], float]
"""For how many seconds a row of this kind and state may stay as it is."""


@dataclass(frozen=True)
class LiveJobs:
    """Of one kind and state: how many there are, the longest that one waits for a machine, how many are silent."""

    kind: str
    state: str
    jobs: int
    waited_s: float
    silent: int


def count_live_jobs(connection: Connection[TupleRow], silent_after: Limits) -> list[LiveJobs]:
    """Those that there are; a job that waits for its next attempt has waited since its last one.

    A job with parts waits for a machine until one of them has begun, and again, to join them, once all are made.
    """
    query = (
        "WITH limits AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::float8[]) AS l (kind, state, seconds))"
        " SELECT j.kind, j.state, count(*) AS jobs,"
        " COALESCE(EXTRACT(epoch FROM now() - min("
        "CASE WHEN j.started_at IS NULL AND (j.parts IS NULL OR j.state <> 'runnable')"
        " THEN j.created_at ELSE j.updated_at END)"
        " FILTER (WHERE j.state IN ('submitted', 'runnable') OR (j.parts IS NOT NULL AND j.state = 'pending'"
        " AND NOT EXISTS (SELECT FROM job_parts p WHERE p.tenant_id = j.tenant_id AND p.job_id = j.id)))), 0)::float8"
        " AS waited_s,"
        # A row that waits out a back-off is written on again and again, and still nobody has taken it.
        " count(*) FILTER (WHERE CASE WHEN j.handle IS NULL THEN j.created_at ELSE j.updated_at END"
        " < now() - make_interval(secs => limits.seconds)) AS silent"
        " FROM jobs j LEFT JOIN limits USING (kind, state)"
        " WHERE j.state NOT IN ('succeeded', 'failed') GROUP BY j.kind, j.state"
    )
    places = list(silent_after)
    values = [[kind for kind, _ in places], [state for _, state in places], list(silent_after.values())]
    with connection.cursor(row_factory=class_row(LiveJobs)) as cursor:
        return cursor.execute(query, values).fetchall()


def count_untold_cancels(connection: Connection[TupleRow], *, older_than_s: float) -> int:
    """Cancelled jobs of which the executor has not been told for so long: they may still cost a machine."""
    query = (
        "SELECT count(*) FROM jobs WHERE cancelled_at IS NOT NULL AND terminated_at IS NULL"
        " AND cancelled_at < now() - make_interval(secs => %s)"
    )
    row = connection.execute(query, [older_than_s]).fetchone()
    assert row is not None
    return int(row[0])
