"""`upload/init`: what a browser has to know to put a source where the row expects it."""

import math
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from control_plane.auth import Caller
from control_plane.reconciling.statuses import put_status
from control_plane.services import Services
from control_plane.videos.asset import status_of_video
from control_plane.videos.replies import PartUpload, UploadInParts, WholeUpload
from pipeline.contracts.transcode import Lufs
from pipeline.database.videos import NewUpload, NewVideo, Video, find_video, insert_video, replace_upload
from pipeline.errors import Conflict, Invalid, NotFound
from pipeline.identifiers import new_video_id
from pipeline.storage.keys import source_key

# S3 knows at most this many parts.
MAX_PARTS = 10_000

# What browsers call the containers that the probe opens, and the suffix of the key that each gets.
SUFFIXES: dict[str, str] = {
    "video/mp4": ".mp4",
    "video/x-m4v": ".m4v",
    "video/quicktime": ".mov",
    "video/x-matroska": ".mkv",
    "video/matroska": ".mkv",
    "video/webm": ".webm",
    "video/x-msvideo": ".avi",
    "video/avi": ".avi",
    "video/vnd.avi": ".avi",
    "video/mpeg": ".mpg",
    "video/mp2t": ".ts",
    # What Windows calls a .ts, .m2ts or .mts, and its browsers with it.
    "video/vnd.dlna.mpeg-tts": ".ts",
    "video/x-flv": ".flv",
    "video/3gpp": ".3gp",
    "video/3gpp2": ".3g2",
    "video/x-ms-wmv": ".wmv",
    "video/x-ms-asf": ".asf",
    "video/ogg": ".ogv",
}

Signed = WholeUpload | UploadInParts

# No control characters: Postgres refuses NUL, and the others have no business in a title.
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")]


class InitCall(BaseModel):
    """A file that will be put, and what is wished of the video."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "title": "Vectors",
                    "session": "lesson-1",
                    "filename": "vectors.mp4",
                    "content_type": "video/mp4",
                    "size": 734003200,
                }
            ]
        },
    )

    video_id: UUID | None = None
    """A PENDING video to upload to again; its title, session and wishes stay as they are."""
    session: Annotated[Text, Field(max_length=200)] | int | None = None
    """The lesson that it belongs to, as your system names it."""
    title: Annotated[Text, Field(max_length=300)]
    filename: Annotated[Text, Field(max_length=255)]
    content_type: str = Field(max_length=100, json_schema_extra={"enum": list(SUFFIXES)})
    size: int = Field(gt=0)
    """Bytes, exactly: nothing else can be put."""
    allow_skip: bool = True
    """Whether viewers may skip ahead."""
    max_speed: float = Field(default=2.0, ge=0.25, le=4.0)
    """The fastest playback."""
    show_watermark: bool = False
    """Whether players should show who watches on the picture."""
    loudness_lufs: Lufs | None = None
    """What the sound is brought to. null leaves it as it is; left out, the tenant's default holds."""


@dataclass(frozen=True)
class SignedUpload:
    key: str
    multipart_id: str | None
    signed: Signed


def init_upload(services: Services, caller: Caller, call: InitCall) -> tuple[Video, Signed]:
    """A PENDING row and its presigned upload; raises `Invalid`, or `Conflict` for a video that is not PENDING."""
    _check(services, call)
    if call.video_id is not None:
        return _sign_again(services, caller, call, call.video_id)
    video_id = new_video_id()
    upload = _sign(services, caller, call, video_id=video_id, upload_number=1)
    new = NewVideo(
        id=video_id,
        tenant_id=caller.tenant_id,
        session_id=str(call.session) if call.session is not None else None,
        title=call.title,
        filename=call.filename,
        content_type=call.content_type,
        allow_skip=call.allow_skip,
        max_speed=call.max_speed,
        show_watermark=call.show_watermark,
        loudness_lufs=_loudness(services, caller, call),
        created_by=caller.user_id,
        source_key=upload.key,
        declared_bytes=call.size,
        multipart_id=upload.multipart_id,
    )
    with services.pool.connection() as connection:
        video = insert_video(connection, new)
    put_status(services, status_of_video(video, None))
    return video, upload.signed


def _loudness(services: Services, caller: Caller, call: InitCall) -> float | None:
    if "loudness_lufs" in call.model_fields_set:
        return call.loudness_lufs
    return services.settings.default_loudness(caller.tenant_id)


def _check(services: Services, call: InitCall) -> None:
    if call.content_type not in SUFFIXES:
        raise Invalid("content_type_not_allowed", f"{call.content_type!r} is not one of {', '.join(SUFFIXES)}")
    if call.size > services.settings.max_source_bytes:
        raise Invalid("size_too_large", f"{call.size} bytes are more than {services.settings.max_source_bytes}")


def _sign_again(services: Services, caller: Caller, call: InitCall, video_id: UUID) -> tuple[Video, Signed]:
    with services.pool.connection() as connection:
        before = find_video(connection, caller.tenant_id, video_id)
    if before is None:
        raise NotFound("video_not_found", f"no video {video_id}")
    if before.status != "PENDING":
        raise Conflict("video_is_not_pending", f"video {video_id} is {before.status}; only a PENDING one takes uploads")
    number = before.upload_number + 1
    upload = _sign(services, caller, call, video_id=video_id, upload_number=number)
    newer = NewUpload(
        upload_number=number,
        filename=call.filename,
        content_type=call.content_type,
        source_key=upload.key,
        declared_bytes=call.size,
        multipart_id=upload.multipart_id,
    )
    with services.pool.connection() as connection:
        video = replace_upload(connection, caller.tenant_id, video_id, upload=newer)
    if video is None:
        raise Conflict("upload_replaced", f"video {video_id} has moved on since upload {before.upload_number}")
    if before.multipart_id is not None:
        services.store.abort_multipart(before.source_key, before.multipart_id)
    put_status(services, status_of_video(video, None))
    return video, upload.signed


def _sign(services: Services, caller: Caller, call: InitCall, *, video_id: UUID, upload_number: int) -> SignedUpload:
    settings = services.settings
    key = source_key(caller.tenant_id, video_id, upload_number, SUFFIXES[call.content_type])
    if call.size <= settings.multipart_above_bytes:
        put = services.store.sign_put(
            key,
            size_bytes=call.size,
            content_type=call.content_type,
            expires_s=settings.upload_expires_s,
            once=True,
        )
        whole = WholeUpload(url=put.url, headers=dict(put.headers), expires_s=settings.upload_expires_s)
        return SignedUpload(key, None, whole)
    part_bytes = max(settings.part_bytes, math.ceil(call.size / MAX_PARTS))
    multipart_id = services.store.begin_multipart(key, content_type=call.content_type)
    parts = []
    for number in range(1, math.ceil(call.size / part_bytes) + 1):
        part = services.store.sign_part(key, multipart_id, number, expires_s=settings.upload_expires_s)
        parts.append(PartUpload(number=number, url=part.url, headers=dict(part.headers)))
    in_parts = UploadInParts(part_bytes=part_bytes, parts=tuple(parts), expires_s=settings.upload_expires_s)
    return SignedUpload(key, multipart_id, in_parts)
