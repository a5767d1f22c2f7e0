"""The transcode job: what it is told and what it tells."""

from typing import Annotated, Literal, Self

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


# What a plan chooses from. The caps of 240, 360 and 720 are the rates of the system that this one replaces; those
# between and above have the same bits a pixel to the power of 0.8.
DEFAULT_LADDER: tuple[RungSpec, ...] = (
    RungSpec(name="240p", short_side_px=240, video_bps=400_000),
    RungSpec(name="360p", short_side_px=360, video_bps=800_000),
    RungSpec(name="480p", short_side_px=480, video_bps=1_300_000),
    RungSpec(name="720p", short_side_px=720, video_bps=2_500_000),
    RungSpec(name="1080p", short_side_px=1080, video_bps=4_800_000),
)


# EBU R128's integrated loudness: -16 for what is heard on phones and laptops, -23 for broadcasts.
Lufs = Annotated[float, Field(ge=-31, le=-10)]


class Source(Contract):
    """The bytes to work on. `etag` pins what was checked: a source that has another one is refused."""

    url: str
    etag: str | None
    size_bytes: int = Field(ge=1)
    filename: str


class TranscodeLimits(Contract):
    """What a source may be at most, above which the job refuses before it works, and what its decoders may use.

    Rates are in pictures a second. A source above `max_output_rate` is not refused: whole pictures are dropped.
    """

    # 8192x4320, the largest picture of H.264 level 6.2 and HEVC's alike.
    max_pixels: int = Field(default=35_400_000, ge=1)
    max_duration_s: float = Field(default=12 * 3600, gt=0)
    max_streams: int = Field(default=32, ge=1)
    max_gap_s: float = Field(default=60.0, gt=0)
    max_source_rate: float = Field(default=240.0, ge=1)
    max_output_rate: int = Field(default=60, ge=1, le=240)
    probe_memory_mib: int = Field(default=1024, ge=256)
    decoder_memory_mib: int = Field(default=4096, ge=256)
    decoder_cpu_s: int = Field(default=24 * 3600, ge=1)


class TranscodeSpec(Contract):
    """Everything that a transcode needs to know; the same value makes the same stream.

    Without a `ladder` one is planned for the source; one that is given is taken as it is. `made` are the archives that
    the children of an array have made of the source, in their order: they are joined, and nothing is encoded.
    """

    video_id: str
    source: Source
    ladder: tuple[RungSpec, ...] | None = Field(default=None, min_length=1, max_length=8)
    segment_s: int = Field(default=4, ge=1, le=10)
    audio_bps: int = Field(default=128_000, ge=32_000, le=320_000)
    # What the sound is brought to; None leaves it as it is.
    loudness_lufs: Lufs | None = None
    made: tuple[Source, ...] = ()
    limits: TranscodeLimits = TranscodeLimits()


class PlannedRung(Contract):
    """A rung that was considered, and why it was kept or dropped. `cap_bps` is the highest rate it may have."""

    name: str
    width: int
    height: int
    frame_rate: float
    cap_bps: int
    kept: bool
    reason: str


class LadderPlan(Contract):
    """What was decided and from which measurements.

    `motion_bpp` is what a quick encode of samples spends, in bits a pixel: the less, the more of the picture stands
    still. None means that nothing could be sampled.
    """

    content: str
    motion_bpp: float | None
    rungs: tuple[PlannedRung, ...]
    reasons: tuple[str, ...]


class Quality(Contract):
    """VMAF (0-100) against the source, on sampled segments: the mean, and the mean of the worst hundredth."""

    vmaf_mean: float
    vmaf_low: float


class RateCurve(Contract):
    """A rendition's rate over time: `bps[n]` is the average from n to n + 1 times `step_s`."""

    name: str
    step_s: float
    bps: tuple[int, ...]


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
    encoder: str | None = None
    preset: str | None = None
    quality: Quality | None = None


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
    plan: LadderPlan | None = None
    rates: tuple[RateCurve, ...] = ()
    master: str | None = None
    thumbnail: str | None = None
    storyboard: str | None = None

    @model_validator(mode="after")
    def _ready_has_a_stream_and_failed_has_a_reason(self) -> Self:
        if self.status == "ready" and (not self.renditions or self.master is None or self.duration_s is None):
            raise ValueError("a ready outcome needs duration_s, master and at least one rendition")
        if (self.status == "failed") != (self.reason is not None):
            raise ValueError(f"status {self.status!r} does not go with reason {self.reason!r}")
        return self
