"""When a video gets another job."""

from uuid import UUID

from control_plane.auth import Caller
from control_plane.dispatch import dispatcher
from control_plane.reconciling.statuses import announce
from control_plane.services import Services
from control_plane.videos.asset import VideoAsset
from pipeline.contracts.envelope import JobKind
from pipeline.contracts.transcode import Source, TranscodeLimits, TranscodeSpec
from pipeline.database.jobs import Job, NewJob, find_live_job, insert_job
from pipeline.database.videos import Video, find_video, lock_video
from pipeline.errors import Conflict, NotFound
from pipeline.identifiers import new_job_id
from pipeline.lifecycle.video_state import VideoStatus


def new_transcode(
    video: Video, *, etag: str, size_bytes: int, limits: TranscodeLimits, parts: int | None, created_by: str
) -> NewJob:
    """The job of a checked source, with an array of `parts` before it.

    Its stored spec has the source's key in the place of a URL.
    """
    source = Source(url="", etag=etag, size_bytes=size_bytes, filename=video.filename)
    wished = TranscodeSpec(video_id=str(video.id), source=source, loudness_lufs=video.loudness_lufs, limits=limits)
    spec = wished.model_dump(mode="json")
    del spec["source"]["url"]
    spec["source"]["key"] = video.source_key
    return NewJob(
        id=new_job_id(),
        tenant_id=video.tenant_id,
        kind=JobKind.TRANSCODE,
        asset_id=video.id,
        parts=parts,
        spec=spec,
        created_by=created_by,
    )


def retry_video(services: Services, caller: Caller, video_id: UUID) -> tuple[Video, Job]:
    """A new job for a FAILED or UPLOADED video; where one is live already, that one and nothing new."""
    with services.pool.connection() as connection:
        video = lock_video(connection, caller.tenant_id, video_id)
        if video is None:
            raise NotFound("video_not_found", f"no video {video_id}")
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
            parts=services.settings.parts_of(video.source_s) if video.source_s is not None else None,
            created_by=caller.user_id,
        )
        job = insert_job(connection, new)
        status = VideoAsset().reopen(connection, job)
        reopened = find_video(connection, caller.tenant_id, video_id)
        assert reopened is not None, "its row is held"
    services.background.wake(dispatcher.NAME)
    announce(services, job, status)
    return reopened, job
