"""Failed jobs, each with what a resubmit of it would be answered: who gives many back knows how many are taken."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.assets.kinds import ASSETS
from control_plane.jobs.rules import ready_refusal
from control_plane.jobs.shown import show_job
from pipeline.database.jobs import Job


def show_failed(connection: Connection[TupleRow], tenant_id: str, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The rows of jobs after which their work was given to no other, each with `refusal`, null where it has none."""
    statuses: dict[UUID, str] = {}
    for kind, asset in ASSETS.items():
        ids = {job.asset_id for job in jobs if job.kind == kind}
        if ids:
            statuses |= asset.find_statuses(connection, tenant_id, ids)
    return list(_shown(jobs, statuses))


def _shown(jobs: Sequence[Job], statuses: dict[UUID, str]) -> Iterator[dict[str, Any]]:
    for job in jobs:
        refusal = ready_refusal(job, statuses.get(job.asset_id))
        told = {"reason": refusal.reason, "detail": refusal.detail} if refusal is not None else None
        yield {**show_job(job), "refusal": told}
