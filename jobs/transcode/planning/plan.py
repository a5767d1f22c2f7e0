"""Decides everything about a transcode before anything is encoded. Pure: a spec and facts in, a plan out.

A plan fixes the number of pictures, where segments begin and how long the sound is, so that any part of it can be
encoded anywhere and joins the rest.
"""

from fractions import Fraction
from math import ceil

from pydantic import Field

from jobs.transcode.planning.difficulty import UNMEASURED, Difficulty
from jobs.transcode.planning.ladder import STILL_BELOW_BPP, Content, RungPlan, judge_content, plan_ladder
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import LadderPlan, TranscodeSpec
from pipeline.media.facts import AudioFacts, SourceFacts, VideoFacts

# Every player has AAC-LC at this rate; one rate means one way to place samples.
AUDIO_RATE = 48_000
# Samples in an AAC-LC packet (ISO/IEC 14496-3).
AUDIO_PACKET = 1024
# MP4 counts pictures in units of this or of a multiple, so that times read like 1/90000 s.
LEAST_TIMESCALE = 10_000
# Sound may begin this much before the picture and is cut there: encoders' delays are shorter than this.
AUDIO_LEAD_S = 0.1
# Sound may go on this long after the picture and is cut there; above it the last picture is held.
AUDIO_TAIL_S = 0.2
# Seconds from a key frame to the next: half a segment, so that a seek decodes 2 s at most (Apple's authoring rules).
KEY_FRAME_S = 2


class Grid(Contract):
    """The output's pictures: number n is shown from n / rate s. All renditions share it."""

    rate_num: int = Field(ge=1)
    rate_den: int = Field(ge=1)
    pictures: int = Field(ge=1)
    segment_s: int = Field(ge=1)
    # Key frames are at multiples of this, so that renditions with a part of the pictures are cut at the same times.
    cut_multiple: int = Field(default=1, ge=1)

    @property
    def rate(self) -> Fraction:
        return Fraction(self.rate_num, self.rate_den)

    @property
    def duration_s(self) -> Fraction:
        return self.pictures / self.rate

    @property
    def timescale(self) -> int:
        """Units a second in the tracks' time stamps; a picture is `picture_units` of them."""
        return self.rate_num * self._multiple

    @property
    def picture_units(self) -> int:
        return self.rate_den * self._multiple

    @property
    def _multiple(self) -> int:
        return ceil(Fraction(LEAST_TIMESCALE, self.rate_num))

    def first_picture(self, segment: int) -> int:
        """The number of the picture that starts a segment."""
        return self._picture_at(segment * self.segment_s)

    def _picture_at(self, at_s: int) -> int:
        """The first picture at or after this time at which all renditions have one."""
        return ceil(at_s * self.rate / self.cut_multiple) * self.cut_multiple

    def thinned(self, divisor: int) -> "Grid":
        """Every `divisor`-th of the pictures; segments begin at the same times when it divides `cut_multiple`."""
        rate = self.rate / divisor
        return Grid(
            rate_num=rate.numerator,
            rate_den=rate.denominator,
            pictures=ceil(self.pictures / divisor),
            segment_s=self.segment_s,
            cut_multiple=max(1, self.cut_multiple // divisor),
        )

    def starts(self) -> tuple[int, ...]:
        """The first picture of each segment; none of the segments is empty."""
        starts = []
        segment = 0
        while (first := self.first_picture(segment)) < self.pictures:
            starts.append(first)
            segment += 1
        return tuple(starts)

    def key_pictures(self) -> frozenset[int]:
        """Pictures that are key frames: the first of each segment, and every `KEY_FRAME_S` from there."""
        offsets = range(0, self.segment_s, KEY_FRAME_S)
        times = (segment * self.segment_s + offset for segment in range(len(self.starts())) for offset in offsets)
        return frozenset(number for at_s in times if (number := self._picture_at(at_s)) < self.pictures)

    def audio_starts(self) -> tuple[int, ...]:
        """The first AAC packet of each segment: the one that starts nearest to the picture's."""
        return tuple(round(first / self.rate * AUDIO_RATE / AUDIO_PACKET) for first in self.starts())

    @property
    def audio_packets(self) -> int:
        """Enough to last as long as the pictures; at least one in each segment."""
        lasting = ceil(self.duration_s * AUDIO_RATE / AUDIO_PACKET)
        return max(lasting, self.audio_starts()[-1] + 1)


class Plan(Contract):
    """What will be made. `origin_s` is the source's time that becomes zero, `source_s` how long the source lasts."""

    source_s: float
    video: VideoFacts
    audio: AudioFacts | None
    header_s: float | None
    origin_s: float
    grid: Grid
    rungs: tuple[RungPlan, ...]
    audio_bps: int
    ladder: LadderPlan
    gain_db: float | None = None

    def grid_of(self, rung: RungPlan) -> Grid:
        return self.grid.thinned(rung.rate_divisor)


def plan_transcode(spec: TranscodeSpec, facts: SourceFacts, difficulty: Difficulty = UNMEASURED) -> Plan:
    """The plan for a source of which all packets were read."""
    video, audio = facts.video, facts.audio
    rate = video.rate
    origin_s = _origin_s(video, audio)
    # Pictures keep their phase on the grid, wherever the sound begins.
    lead_pictures = round((video.start_s - origin_s) * rate)
    pictures = lead_pictures + max(1, round(Fraction(video.duration_s) * rate))
    source_s = _source_s(video, audio, origin_s)
    pictures = max(pictures, round(Fraction(source_s) * rate))
    rungs, considered = plan_ladder(spec.ladder, video, difficulty)
    return Plan(
        source_s=source_s,
        video=video,
        audio=audio,
        header_s=facts.header_s,
        origin_s=origin_s,
        grid=Grid(
            rate_num=rate.numerator,
            rate_den=rate.denominator,
            pictures=pictures,
            segment_s=spec.segment_s,
            cut_multiple=max(rung.rate_divisor for rung in rungs),
        ),
        rungs=rungs,
        audio_bps=spec.audio_bps,
        ladder=LadderPlan(
            content=judge_content(difficulty),
            motion_bpp=difficulty.motion_bpp,
            rungs=considered,
            reasons=_reasons(video, difficulty),
        ),
    )


def _reasons(video: VideoFacts, difficulty: Difficulty) -> tuple[str, ...]:
    shown = f"{video.display_width}x{video.display_height}, {float(video.rate):g} pictures a second"
    if difficulty.motion_bpp is None:
        return (shown, "nothing could be sampled: it is taken as moving")
    content = judge_content(difficulty)
    than = "below" if content is Content.STILL else "not below"
    measured = f"{difficulty.motion_bpp:.3f} bits a pixel in {difficulty.samples} samples"
    return (shown, f"{content} content: {measured}, {than} {STILL_BELOW_BPP}")


def _source_s(video: VideoFacts, audio: AudioFacts | None, origin_s: float) -> float:
    """From the origin to the end of the picture, or to that of sound which goes on well after it."""
    picture_s = video.start_s + video.duration_s - origin_s
    if audio is None:
        return picture_s
    sound_s = audio.start_s + audio.duration_s - origin_s
    return sound_s if sound_s > picture_s + AUDIO_TAIL_S else picture_s


def _origin_s(video: VideoFacts, audio: AudioFacts | None) -> float:
    if audio is None:
        return video.start_s
    # Before zero lie only an encoder's own priming samples, which decoders drop.
    audio_start_s = max(audio.start_s, min(0.0, video.start_s))
    return audio_start_s if audio_start_s < video.start_s - AUDIO_LEAD_S else video.start_s
