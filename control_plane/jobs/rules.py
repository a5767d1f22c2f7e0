"""When a video gets another job, and when a job may be cancelled."""

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.auth import Caller
from control_plane.dispatch import dispatcher, terminations
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import apply_news
from control_plane.reconciling.statuses import announce
from control_plane.services import Services
from pipeline.contracts.envelope import JobKind
from pipeline.contracts.transcode import Source, TranscodeLimits, TranscodeSpec
from pipeline.database.jobs import Job, NewJob, find_job, find_live_job, insert_job
from pipeline.database.video_moves import advance_to_uploaded_again
from pipeline.database.videos import Video, lock_video
from pipeline.errors import Conflict, NotFound
from pipeline.identifiers import new_job_id
from pipeline.lifecycle.reconcile import Cancelled
from pipeline.lifecycle.video_state import VideoStatus


def new_transcode(video: Video, *, etag: str, size_bytes: int, limits: TranscodeLimits, created_by: str) -> NewJob:
    """The job of a checked source. Its stored spec has the source's key in the place of a URL."""
    source = Source(url="", etag=etag, size_bytes=size_bytes, filename=video.filename)
    wished = TranscodeSpec(video_id=str(video.id), source=source, loudness_lufs=video.loudness_lufs, limits=limits)
    spec = wished.model_dump(mode="json")
    del spec["source"]["url"]
    spec["source"]["key"] = video.source_key
    return _new(video, spec, created_by=created_by)


def _new(video: Video, spec: dict[str, Any], *, created_by: str) -> NewJob:
    return NewJob(
        id=new_job_id(),
        tenant_id=video.tenant_id,
        kind=JobKind.TRANSCODE,
        asset_id=video.id,
        spec=spec,
        created_by=created_by,
    )


def retry_video(services: Services, caller: Caller, video_id: UUID) -> tuple[Video, Job]:
    """A new job for a FAILED or UPLOADED video; where one is live already, that one and nothing new."""
    with services.pool.connection() as connection:
        video = _lock(connection, caller, video_id)
        if video.status not in {VideoStatus.FAILED, VideoStatus.UPLOADED}:
            raise Conflict("retry_not_allowed", f"video {video_id} is {video.status}, not FAILED or UPLOADED")
        live = find_live_job(connection, caller.tenant_id, video_id, kind=JobKind.TRANSCODE)
        if live is not None:
            return video, live
        assert video.source_etag is not None, "the database pins a source past PENDING"
        assert video.source_bytes is not None
        new = new_transcode(
            video,
            etag=video.source_etag,
            size_bytes=video.source_bytes,
            limits=services.settings.transcode_limits,
            created_by=caller.user_id,
        )
        video, job = _insert(connection, caller, video, new)
    services.background.wake(dispatcher.NAME)
    announce(services, job, video)
    return video, job


def resubmit_job(services: Services, caller: Caller, job_id: UUID, *, force: bool) -> Job:
    """A new job with the spec of an old one. A READY video keeps playing what it has until the new job ends well."""
    with services.pool.connection() as connection:
        old = find_job(connection, caller.tenant_id, job_id)
        if old is None:
            raise NotFound("job_not_found", f"no job {job_id}")
        video = _lock(connection, caller, old.asset_id)
        live = find_live_job(connection, caller.tenant_id, video.id, kind=old.kind)
        if live is not None:
            raise Conflict("job_is_live", f"job {live.id} of video {video.id} is {live.state}")
        if video.status == VideoStatus.READY and not force:
            raise Conflict("video_is_ready", f"video {video.id} plays; send force to replace its stream")
        video, job = _insert(connection, caller, video, _new(video, old.spec, created_by=caller.user_id))
    services.background.wake(dispatcher.NAME)
    announce(services, job, video)
    return job


def cancel_job(services: Services, caller: Caller, job_id: UUID) -> Job:
    """The job failed, and its video too unless that plays; the executor is told in the background."""
    job = apply_news(services, JobKey(caller.tenant_id, job_id), Cancelled(by=caller.user_id))
    services.background.wake(terminations.NAME)
    return job


def _lock(connection: Connection[TupleRow], caller: Caller, video_id: UUID) -> Video:
    """Whoever holds the video's row is the only one who can insert a job for it."""
    video = lock_video(connection, caller.tenant_id, video_id)
    if video is None:
        raise NotFound("video_not_found", f"no video {video_id}")
    return video


def _insert(connection: Connection[TupleRow], caller: Caller, video: Video, new: NewJob) -> tuple[Video, Job]:
    if video.status == VideoStatus.FAILED:
        moved = advance_to_uploaded_again(connection, caller.tenant_id, video.id, job_id=new.id, actor=caller.user_id)
        assert moved is not None, "its row is held"
        video = moved
    return video, insert_job(connection, new)
