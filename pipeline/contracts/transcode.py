"""The transcode job: what it is told and what it tells."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.contracts.envelope import Contract, Step, StepTime
from pipeline.reasons import Reason

STEPS: tuple[Step, ...] = (
    Step(name="presigning", index=1, weight=1, display_ko="준비", display_en="Preparing"),
    Step(name="downloading", index=2, weight=7, display_ko="원본 다운로드", display_en="Downloading"),
    Step(name="probing", index=3, weight=2, display_ko="영상 분석", display_en="Analysing"),
    Step(name="transcoding", index=4, weight=72, display_ko="변환", display_en="Transcoding"),
    Step(name="validating", index=5, weight=5, display_ko="검증", display_en="Checking"),
    Step(name="thumbnail", index=6, weight=3, display_ko="썸네일 생성", display_en="Thumbnail"),
    Step(name="uploading", index=7, weight=10, display_ko="업로드", display_en="Uploading"),
)


class RungSpec(Contract):
    """A rung of the ladder as it is wished for: the short side in pixels and the average bitrate."""

    name: str = Field(pattern=r"^[a-z0-9]{1,16}$")
    short_side_px: int = Field(ge=2, le=4320, multiple_of=2)
    video_bps: int = Field(ge=50_000, le=50_000_000)


# The ladder of the system that this one replaces.
DEFAULT_LADDER: tuple[RungSpec, ...] = (
    RungSpec(name="240p", short_side_px=240, video_bps=400_000),
    RungSpec(name="360p", short_side_px=360, video_bps=800_000),
    RungSpec(name="720p", short_side_px=720, video_bps=2_500_000),
)


class Source(Contract):
    """The bytes to work on. `etag` pins what was checked: a source that has another one is refused."""

    url: str
    etag: str | None
    size_bytes: int = Field(ge=1)
    filename: str


class TranscodeLimits(Contract):
    """What a source may be at most; above it the job refuses before it works."""

    max_pixels: int = 35_400_000
    max_duration_s: float = 12 * 3600
    max_streams: int = 32
    max_gap_s: float = 60.0
    decoder_memory_mib: int = 4096
    decoder_cpu_s: int = 24 * 3600


class TranscodeSpec(Contract):
    """Everything that a transcode needs to know; the same value makes the same stream."""

    video_id: str
    source: Source
    ladder: tuple[RungSpec, ...] = Field(default=DEFAULT_LADDER, min_length=1, max_length=8)
    segment_s: int = Field(default=4, ge=1, le=10)
    audio_bps: int = Field(default=128_000, ge=32_000, le=320_000)
    limits: TranscodeLimits = TranscodeLimits()


class Rendition(Contract):
    """One encoded video track of ours. Rates are measured over its segments, container included."""

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


class AudioRendition(Contract):
    """The one sound track, shared by every variant."""

    name: str
    language: str | None
    sample_rate: int
    channels: int
    codecs: str
    bytes: int
    segments: int
    duration_s: float
    average_bps: int
    peak_bps: int
    playlist: str


class TranscodeOutcome(Contract):
    """How an attempt ended. Written as `outcome.json`, and the body of the `finish` call.

    `encoder` and `decoder` are FFmpeg's names of what was used; `device_notes` say what was passed over, and why.
    """

    status: Literal["ready", "failed"]
    reason: Reason | None = None
    detail: str = ""
    duration_s: float | None = None
    renditions: tuple[Rendition, ...] = ()
    audio: AudioRendition | None = None
    steps: tuple[StepTime, ...] = ()
    encoder: str | None = None
    decoder: str | None = None
    device_notes: tuple[str, ...] = ()
    master: str | None = None
    thumbnail: str | None = None

    @model_validator(mode="after")
    def _ready_has_a_stream_and_failed_has_a_reason(self) -> Self:
        if self.status == "ready" and (not self.renditions or self.master is None or self.duration_s is None):
            raise ValueError("a ready outcome needs duration_s, master and at least one rendition")
        if (self.status == "failed") != (self.reason is not None):
            raise ValueError(f"status {self.status!r} does not go with reason {self.reason!r}")
        return self
