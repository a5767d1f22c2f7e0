"""Videos: uploading, completing, repeating, listing, and their progress."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from control_plane.auth import Reader, Writer
from control_plane.cursors import IdStart, next_cursor, parse_cursor
from control_plane.failures import of_writers
from control_plane.progress.videos import read_video_progress
from control_plane.services import Services, Wired
from control_plane.videos.complete import CompleteCall, Completions, complete_upload, find_completed
from control_plane.videos.replies import VideoPage, VideoProgress, VideoReply, VideoWithJob, VideoWithUpload
from control_plane.videos.retry import retry_video
from control_plane.videos.shown import show_video
from control_plane.videos.upload import InitCall, init_upload
from pipeline.database.jobs import Job
from pipeline.database.videos import Cursor, Video, VideoFilter, find_video, list_videos
from pipeline.errors import NotFound
from pipeline.lifecycle.video_state import VideoStatus

router = APIRouter(prefix="/api/v1/media/videos", tags=["videos"])


@router.post(
    "/upload/init",
    status_code=201,
    responses=of_writers("`video_is_not_pending`, `upload_replaced`, of an upload to a row that exists"),
)
def upload_init(services: Wired, caller: Writer, call: InitCall) -> VideoWithUpload:
    """A PENDING video and, under `upload`, the presigned PUT for its source, or several for its parts.

    With `video_id`, of a PENDING video, new ones for another file or because the first have expired.
    """
    video, upload = init_upload(services, caller, call)
    return VideoWithUpload(**vars(show_video(services, video)), upload=upload)


@router.post(
    "/{video_id}/upload/complete",
    responses=of_writers(
        "`source_not_found_or_empty`, `source_invalid:CODE`, `duration_too_short:SECONDS`: the file is refused, and the"
        " row keeps why; `upload_parts_invalid`, `upload_replaced`, `video_has_failed`"
    ),
)
async def upload_complete(
    request: Request,
    services: Wired,
    caller: Writer,
    video_id: UUID,
    call: Annotated[CompleteCall | None, Body()] = None,
) -> VideoWithJob:
    """Check what was put, and start the job; again and at the same time as often as you like, with the same job.

    It reads the file's beginning, which takes a second or two.
    """
    video, job = await run_in_threadpool(find_completed, services, caller, video_id)
    if job is None:
        completions: Completions = request.app.state.completions
        parts = call.parts if call is not None else ()
        check = partial(complete_upload, services, caller, video, parts=parts)
        video, job = await completions.join((caller.tenant_id, video_id, video.upload_number), check)
    return _with_job(services, video, job)


@router.post("/{video_id}/retry", status_code=202, responses=of_writers("`retry_not_allowed`"))
def retry(services: Wired, caller: Writer, video_id: UUID) -> VideoWithJob:
    """Another job for a FAILED or UPLOADED video; where one is live, that one."""
    video, job = retry_video(services, caller, video_id)
    return _with_job(services, video, job)


def _with_job(services: Services, video: Video, job: Job) -> VideoWithJob:
    return VideoWithJob(**vars(show_video(services, video)), job_id=job.id)


@router.get("")
def list_(
    services: Wired,
    caller: Reader,
    *,
    id_start: IdStart = None,
    session: Annotated[str | None, Query(max_length=200)] = None,
    status: VideoStatus | None = None,
    title: Annotated[str | None, Query(min_length=1, max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> VideoPage:
    """Videos of the caller's tenant, newest first; `title` is searched for anywhere in the title."""
    matching = VideoFilter(id_start=id_start, session_id=session, status=status, title=title)
    with services.pool.connection() as connection:
        videos = list_videos(connection, caller.tenant_id, matching=matching, after=parse_cursor(cursor), limit=limit)
    places = [Cursor(video.created_at, video.id) for video in videos]
    return VideoPage(
        items=tuple(show_video(services, video) for video in videos),
        next_cursor=next_cursor(places, limit=limit),
    )


@router.get("/{video_id}")
def get(services: Wired, caller: Reader, video_id: UUID) -> VideoReply:
    """One video: what its upload said, where its work is, and where it plays."""
    with services.pool.connection() as connection:
        video = find_video(connection, caller.tenant_id, video_id)
    if video is None:
        raise NotFound("video_not_found", f"no video {video_id}")
    return show_video(services, video)


# A response of its own is not checked against the model, which the call that is made most is spared.
@router.get("/{video_id}/progress", response_model=VideoProgress)
async def progress(services: Wired, caller: Reader, video_id: UUID) -> JSONResponse:
    """How far the work is. Warm, it costs one read of Redis and no SQL."""
    return JSONResponse(await read_video_progress(services, caller.tenant_id, video_id))
