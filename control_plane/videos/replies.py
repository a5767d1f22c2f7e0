"""What the calls about videos answer."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict

from control_plane.replies import Message, Reply, WorkProgress
from pipeline.lifecycle.video_state import VideoStatus


class RenditionReply(Reply):
    """One encoded video track. Rates are measured over its segments, container included.

    Rows outlive the version that wrote them: what came later may be missing, and what it does not know is kept.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    width: int
    height: int
    frame_rate: float
    codecs: str
    bytes: int
    segments: int
    duration_s: float
    average_bps: int
    peak_bps: int
    playlist: str
    encoder: str | None = None
    preset: str | None = None
    quality: dict[str, float] | None = None
    """VMAF (0-100) on sampled segments, where the job was asked to measure it."""


class VideoReply(Reply):
    """A video. What plays stands in `hls_url`, once `status` is READY."""

    id: UUID
    session: str | None
    title: str
    filename: str
    content_type: str
    size: int
    """Bytes of the source."""
    allow_skip: bool
    """Whether viewers may skip ahead; players are asked to heed it."""
    max_speed: float
    """The fastest playback; players are asked to heed it."""
    show_watermark: bool
    """Whether players should show who watches on the picture."""
    loudness_lufs: float | None
    """What the sound is brought to; null leaves it as it was recorded."""
    status: VideoStatus
    error_reason: str | None
    """Why the work FAILED or, of a PENDING video, why its upload was refused."""
    error_message: Message | None
    """`error_reason` in words for a teacher."""
    duration: float | None
    """Seconds."""
    hls_path: str | None
    hls_url: str | None
    """The multivariant playlist, for any HLS player; no token is needed to read it."""
    thumbnail_url: str | None
    storyboard_url: str | None
    """WebVTT whose cues name rectangles (`#xywh=`) of picture sheets, for previews on a seek bar."""
    renditions: tuple[RenditionReply, ...] | None
    created_by: str
    """The `user_id` of who uploaded it."""
    created_at: datetime
    updated_at: datetime


class VideoWithJob(VideoReply):
    """A video, and the job that works on it."""

    job_id: UUID


class VideoPage(Reply):
    items: tuple[VideoReply, ...]
    next_cursor: str | None
    """Send it as `cursor` for the next page; null on the last one."""


class WholeUpload(Reply):
    """One presigned PUT of the whole file. The headers are signed: they must be sent as they are.

    A browser sets Content-Length by itself, and lets no page set it.
    """

    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    expires_s: int


class PartUpload(Reply):
    """A presigned PUT of one part; `number` counts from 1."""

    number: int
    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]


class UploadInParts(Reply):
    """Presigned PUTs of parts, in any order and several at once. Keep the ETag that each PUT is answered with, for
    `upload/complete`.
    """

    part_bytes: int
    """Part n begins at byte (n - 1) * part_bytes; only the last one is shorter."""
    parts: tuple[PartUpload, ...]
    expires_s: int


class VideoWithUpload(VideoReply):
    """A PENDING video, and where its file is to be put: in parts where `upload` has `parts`."""

    upload: WholeUpload | UploadInParts


class VideoProgress(WorkProgress):
    """Ask once a second. The last three fields are there once `status` is READY or FAILED."""

    status: VideoStatus
    hls_path: str | None = None
    duration: float | None = None
    error_reason: str | None = None
