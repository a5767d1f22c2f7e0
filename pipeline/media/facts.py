"""What a probe tells about a source. Values are as measured, not as declared, wherever the two can differ."""

from fractions import Fraction

from pydantic import Field

from pipeline.contracts.envelope import Contract


class Orientation(Contract):
    """How a decoded picture is brought upright: mirrored left to right first, then turned clockwise."""

    mirrored: bool = False
    quarter_turns: int = Field(default=0, ge=0, le=3)

    @property
    def swaps_sides(self) -> bool:
        return self.quarter_turns % 2 == 1


class Colour(Contract):
    """FFmpeg's numbers (ISO/IEC 23091-2); 2 is unspecified. `full_range` says 0-255 instead of 16-235."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False

    @property
    def is_hdr(self) -> bool:
        """PQ (SMPTE ST 2084) or HLG (ARIB STD-B67)."""
        return self.transfer in (16, 18)


class VideoFacts(Contract):
    """The picture track that is worked on. `declared_s` is the track's own claim, where it makes one.

    Display sizes are after sample aspect ratio and orientation, in pixels.

    `rate_num/rate_den` is the constant rate (1/s) that fits its time stamps best, at most what the source has.
    """

    index: int
    codec: str
    coded_width: int
    coded_height: int
    display_width: int
    display_height: int
    orientation: Orientation
    pixel_format: str
    bit_depth: int
    rate_num: int
    rate_den: int
    variable_rate: bool
    interlaced: bool
    colour: Colour
    start_s: float
    duration_s: float
    declared_s: float | None
    packets: int

    @property
    def rate(self) -> Fraction:
        return Fraction(self.rate_num, self.rate_den)


class AudioFacts(Contract):
    """The sound track that is worked on; `index` counts over all streams."""

    index: int
    codec: str
    channels: int
    sample_rate: int
    language: str | None
    start_s: float
    duration_s: float


class SourceFacts(Contract):
    """`complete` says whether all packets were read; without it durations are what the header tells.

    `header_s` is the header's claim of when the last track ends, counted from zero.
    """

    container: str
    size_bytes: int
    duration_s: float
    header_s: float | None
    video: VideoFacts
    audio: AudioFacts | None
    video_streams: int
    audio_streams: int
    other_streams: int
    complete: bool
