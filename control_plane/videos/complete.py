"""`upload/complete`: the source is looked at once, and one transaction makes the video UPLOADED and inserts its job."""

import asyncio
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from control_plane.auth import Caller
from control_plane.dispatch import dispatcher
from control_plane.reconciling.statuses import announce, put_status
from control_plane.services import Services
from control_plane.videos.asset import status_of_video
from control_plane.videos.retry import new_transcode
from pipeline.database.jobs import Job, find_newest_job, insert_job
from pipeline.database.video_moves import advance_to_uploaded
from pipeline.database.videos import Video, find_video, record_refusal
from pipeline.errors import Conflict, Invalid, NotFound, PermanentError
from pipeline.logs import get_logger
from pipeline.storage.store import ObjectInfo, UploadedPart

# A probe may take PROBE_MEMORY_MIB and a whole core.
PROBES_AT_ONCE = 2

logger = get_logger(__name__)


class PartCall(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int = Field(ge=1, le=10_000)
    # A browser reads it with its quotes; without them it is what the store is asked for.
    etag: Annotated[str, AfterValidator(lambda etag: etag.strip('"'))] = Field(min_length=1, max_length=200)


class CompleteCall(BaseModel):
    """`parts` for an upload in parts, with the ETags that its PUTs were answered with; else no body is needed."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        json_schema_extra={"examples": [{"parts": [{"number": 1, "etag": "9b2cf535f27731c974343645a3985328"}]}]},
    )

    parts: tuple[PartCall, ...] = Field(default=(), max_length=10_000)


Completed = tuple[Video, Job]
Flight = tuple[str, UUID, int]
"""Tenant, video and upload number."""


class Completions:
    """Calls for one upload that come while it is being checked wait for that check; few checks run at once."""

    def __init__(self) -> None:
        self._flights: dict[Flight, asyncio.Task[Completed]] = {}
        self._slots = asyncio.Semaphore(PROBES_AT_ONCE)

    async def join(self, flight: Flight, check: Callable[[], Completed]) -> Completed:
        task = self._flights.get(flight)
        if task is None:
            task = asyncio.create_task(self._run(check))
            self._flights[flight] = task
            task.add_done_callback(lambda done: self._land(flight, done))
        # A browser that goes away must not stop the check that others wait for.
        return await asyncio.shield(task)

    async def _run(self, check: Callable[[], Completed]) -> Completed:
        async with self._slots:
            return await run_in_threadpool(check)

    def _land(self, flight: Flight, done: asyncio.Task[Completed]) -> None:
        del self._flights[flight]
        if not done.cancelled():
            # Marks the error as seen, also where every caller has gone away.
            done.exception()


def find_completed(services: Services, caller: Caller, video_id: UUID) -> tuple[Video, Job | None]:
    """The row, and its newest job where an upload was completed before; raises `NotFound` or `Conflict`."""
    with services.pool.connection() as connection:
        video = find_video(connection, caller.tenant_id, video_id)
        if video is None:
            raise NotFound("video_not_found", f"no video {video_id}")
        if video.status == "PENDING":
            return video, None
        job = find_newest_job(connection, caller.tenant_id, video_id)
    if video.status == "FAILED":
        raise Conflict("video_has_failed", f"video {video_id} failed with {video.error_reason}; retry it instead")
    assert job is not None, f"video {video_id} is {video.status} without a job"
    return video, job


def complete_upload(services: Services, caller: Caller, video: Video, *, parts: tuple[PartCall, ...]) -> Completed:
    """Check the source of a PENDING row and start its job.

    A refusal raises `Conflict` and stays on the row as its error_reason. Whoever comes second finds the first one's
    work and returns that.
    """
    # A check that ended between the caller's look at the row and this one has done it all.
    current, done = find_completed(services, caller, video.id)
    if done is not None:
        return current, done
    try:
        source, source_s = _check_source(services, video, parts)
    except Conflict as refusal:
        _record_refusal(services, video, refusal)
        raise
    new = new_transcode(
        video,
        etag=source.etag,
        size_bytes=source.size_bytes,
        source_s=source_s,
        limits=services.settings.transcode_limits,
        parts=services.settings.parts_of(source_s),
        created_by=caller.user_id,
    )
    with services.pool.connection() as connection:
        uploaded = advance_to_uploaded(
            connection,
            caller.tenant_id,
            video.id,
            job_id=new.id,
            actor=caller.user_id,
            upload_number=video.upload_number,
            etag=source.etag,
            size_bytes=source.size_bytes,
            source_s=source_s,
        )
        job = insert_job(connection, new) if uploaded is not None else None
    if uploaded is None or job is None:
        return _what_came_first(services, caller, video)
    services.background.wake(dispatcher.NAME)
    announce(services, job, status_of_video(uploaded, job))
    return uploaded, job


def _check_source(services: Services, video: Video, parts: tuple[PartCall, ...]) -> tuple[ObjectInfo, float]:
    """What was put, and how long it lasts in seconds."""
    settings = services.settings
    source = _find_source(services, video, parts)
    if source is None or source.size_bytes == 0:
        raise Conflict("source_not_found_or_empty", f"nothing was put to upload {video.upload_number} of {video.id}")
    if source.size_bytes != video.declared_bytes:
        raise Conflict(
            "source_invalid:SIZE_MISMATCH", f"{source.size_bytes} bytes were put, {video.declared_bytes} declared"
        )
    url = services.store.sign_get(source.key, expires_s=int(settings.probe_timeout_s) + 60).url
    try:
        facts = services.probe(url, source.size_bytes)
    except PermanentError as exc:
        if exc.reason == "INTERNAL_ERROR":
            # A bug of ours says nothing about the file: not a refusal.
            raise
        raise Conflict(f"source_invalid:{exc.reason}", exc.detail) from exc
    if facts.duration_s < settings.min_duration_s:
        raise Conflict(
            f"duration_too_short:{facts.duration_s:.1f}",
            f"{facts.duration_s:.3f} s are less than {settings.min_duration_s:g} s",
        )
    return source, facts.duration_s


def _find_source(services: Services, video: Video, parts: tuple[PartCall, ...]) -> ObjectInfo | None:
    source = services.store.find(video.source_key)
    if source is not None or video.multipart_id is None:
        # Also where an earlier call has joined the parts, and failed after that.
        return source
    if not parts:
        raise Invalid("parts_missing", "this upload has parts: send their numbers and ETags")
    uploaded = sorted((UploadedPart(part.number, part.etag) for part in parts), key=lambda part: part.number)
    try:
        services.store.complete_multipart(video.source_key, video.multipart_id, uploaded)
    except Conflict:
        # Another call may have joined them meanwhile, or this one when its answer was lost: the upload is gone then.
        source = services.store.find(video.source_key)
        if source is None:
            raise
        return source
    return services.store.find(video.source_key)


def _record_refusal(services: Services, video: Video, refusal: Conflict) -> None:
    logger.info("source_refused", video_id=str(video.id), reason=refusal.reason, detail=refusal.detail)
    with services.pool.connection() as connection:
        refused = record_refusal(
            connection,
            video.tenant_id,
            video.id,
            upload_number=video.upload_number,
            reason=refusal.reason[:500],
        )
    if refused is not None:
        put_status(services, status_of_video(refused, None))


def _what_came_first(services: Services, caller: Caller, checked: Video) -> Completed:
    video, job = find_completed(services, caller, checked.id)
    if job is None or video.upload_number != checked.upload_number:
        raise Conflict(
            "upload_replaced", f"a newer upload than {checked.upload_number} was signed for {checked.id} meanwhile"
        )
    return video, job
