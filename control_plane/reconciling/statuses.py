"""Statuses in the cache follow the rows: written after each commit, and again until Redis has heard them.

A request never fails, and hardly waits, for Redis. What it did not hear is owed by the board and written when it is
back, and what a process took with it when it died is written anew by the next one: no stale status outlives an outage.
"""

from collections.abc import Iterator
from itertools import chain
from threading import Event

from control_plane.assets.kinds import ASSETS
from control_plane.assets.port import Status
from control_plane.services import Services
from pipeline.database.jobs import Job
from pipeline.database.jobs_of_all_tenants import list_changed_jobs
from pipeline.progress.keys import IN_PROGRESS_TTL_S, job_status

EVERY_S = 1.0
# Several hours' worth of moves of a large academy; older keys expire soon by themselves.
RECENT_AT_MOST = 5_000


def status_of_job(job: Job) -> Status:
    value = {
        "id": str(job.id),
        "kind": job.kind,
        "status": job.state,
        "job_id": str(job.id),
        "attempt": job.attempt,
        "error_reason": job.reason,
    }
    return Status(job_status(job.tenant_id, job.id), value, job.version)


def put_status(services: Services, status: Status) -> None:
    services.board.put(status.key, status.value, version=status.version)


def announce(services: Services, job: Job, asset: Status | None) -> None:
    """Call it after the commit: the cache never says what did not happen."""
    if asset is not None:
        put_status(services, asset)
    put_status(services, status_of_job(job))


class RepeatAnnouncements:
    """The chore: once, everything that changed while a status key may live; then whatever was not heard."""

    def __init__(self) -> None:
        self._is_first_round = True

    def __call__(self, services: Services, stopping: Event) -> None:
        if self._is_first_round:
            for status in _recent(services):
                if stopping.is_set():
                    return
                put_status(services, status)
            self._is_first_round = False
        services.board.put_owed()


def _recent(services: Services) -> Iterator[Status]:
    with services.pool.connection() as connection:
        of_assets = [
            asset.list_recent_statuses(connection, within_s=IN_PROGRESS_TTL_S, limit=RECENT_AT_MOST)
            for asset in ASSETS.values()
        ]
        jobs = list_changed_jobs(connection, within_s=IN_PROGRESS_TTL_S, limit=RECENT_AT_MOST)
    yield from chain.from_iterable(of_assets)
    yield from map(status_of_job, jobs)
