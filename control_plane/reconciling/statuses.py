"""Statuses in the cache follow the rows: written after each commit, and again until Redis has heard them.

A request never fails, and hardly waits, for Redis. What it did not hear is owed by the board and written when it is
back, and what a process took with it when it died is written anew by the next one: no stale status outlives an outage.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any

from control_plane.services import Services
from pipeline.database.jobs import Job, find_newest_job, list_changed_jobs
from pipeline.database.videos import Video, list_changed_videos
from pipeline.progress.keys import IN_PROGRESS_TTL_S, job_status, video_status

EVERY_S = 1.0
# Several hours' worth of moves of a large academy; older keys expire soon by themselves.
RECENT_AT_MOST = 5_000


@dataclass(frozen=True)
class Status:
    """What a status key holds, and the version of the row that it was made from."""

    key: str
    value: dict[str, Any]
    version: int


def status_of_video(video: Video, job: Job | None) -> Status:
    """`job` is the video's newest one: only its progress is shown as the video's."""
    value = {
        "id": str(video.id),
        "status": video.status,
        "job_id": str(job.id) if job is not None else None,
        "attempt": job.attempt if job is not None else 0,
        "hls_path": video.hls_path,
        "duration": video.duration_s,
        "error_reason": video.error_reason,
    }
    return Status(video_status(video.tenant_id, video.id), value, video.version)


def status_of_job(job: Job) -> Status:
    value = {
        "id": str(job.id),
        "status": job.state,
        "job_id": str(job.id),
        "attempt": job.attempt,
        "error_reason": job.reason,
    }
    return Status(job_status(job.tenant_id, job.id), value, job.version)


def put_status(services: Services, status: Status) -> None:
    services.board.put(status.key, status.value, version=status.version)


def announce(services: Services, job: Job, video: Video | None) -> None:
    """Call it after the commit: the cache never says what did not happen."""
    if video is not None:
        put_status(services, status_of_video(video, job))
    put_status(services, status_of_job(job))


def announce_pending(services: Services, video: Video) -> None:
    """As `announce`, for a video that has no job yet."""
    put_status(services, status_of_video(video, None))


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
        videos = list_changed_videos(connection, within_s=IN_PROGRESS_TTL_S, limit=RECENT_AT_MOST)
        newest = {video.id: find_newest_job(connection, video.tenant_id, video.id) for video in videos}
        jobs = list_changed_jobs(connection, within_s=IN_PROGRESS_TTL_S, limit=RECENT_AT_MOST)
    for video in videos:
        yield status_of_video(video, newest[video.id])
    yield from map(status_of_job, jobs)
