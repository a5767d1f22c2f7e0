"""Chooses the renditions of a source. Pure: a wish or none, and measured facts in; rungs with their reasons out."""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

from jobs.transcode.planning.difficulty import UNMEASURED, Difficulty
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import DEFAULT_LADDER, PlannedRung, RungSpec
from pipeline.media.facts import VideoFacts

# Bits a pixel of the quick encode. The slides of the benchmark have 0.03, a street from a still camera 0.09, animation
# 0.3.
STILL_BELOW_BPP = 0.06
# PSNR (dB) of luma from which on a scaled picture cannot be told from the source beside it; 40 and more are usually
# called good, and the worst sample counts here.
ALIKE_FROM_DB = 46.0
# Rungs up to this short side are watched on small screens or slow lines: they get half of a high frame rate.
SMALL_SIDE_PX = 480
HIGH_RATE = 30
# A source between two rungs gets one of its own size when it is larger than the rung below it by this factor.
OWN_SIZE = "source"
OWN_SIZE_FROM = Fraction(115, 100)


class Content(StrEnum):
    """What most of the picture does; an encoder's settings follow it."""

    STILL = "still"
    MOVING = "moving"


class RungPlan(Contract):
    """One rendition to encode; `folder` is where it lies in the output.

    It shows every `rate_divisor`-th picture of the grid. `video_bps` caps its rate.
    """

    name: str
    folder: str
    width: int
    height: int
    video_bps: int
    rate_divisor: int = 1
    content: Content = Content.MOVING

    @property
    def is_small(self) -> bool:
        return min(self.width, self.height) <= SMALL_SIDE_PX


def judge_content(difficulty: Difficulty) -> Content:
    """MOVING where nothing could be measured: its settings serve both."""
    if difficulty.motion_bpp is not None and difficulty.motion_bpp < STILL_BELOW_BPP:
        return Content.STILL
    return Content.MOVING


def sides_to_judge(wished: Sequence[RungSpec] | None, video: VideoFacts) -> tuple[int, ...]:
    """The short sides whose loss of detail a plan depends on: those of all rungs but the largest."""
    if wished is not None:
        return ()
    short = min(video.display_width, video.display_height)
    return tuple(rung.short_side_px for rung in candidates(None, video) if rung.short_side_px < short)


def candidates(wished: Sequence[RungSpec] | None, video: VideoFacts) -> list[RungSpec]:
    """Rungs from small to large that are not larger than the source. A wish is taken as it is.

    The short side decides, so that a portrait gets the same quality as a landscape. A source that is smaller than
    every rung gets one of its own size, and without a wish also one that is well between two rungs.
    """
    short = min(video.display_width, video.display_height)
    ascending = sorted(wished or DEFAULT_LADDER, key=lambda rung: rung.short_side_px)
    fitting = [rung for rung in ascending if rung.short_side_px <= short]
    own_side_px = max(2, short // 2 * 2)
    if not fitting:
        return [RungSpec(name=OWN_SIZE, short_side_px=own_side_px, video_bps=ascending[0].video_bps)]
    above = ascending[len(fitting) : len(fitting) + 1]
    if wished is None and above and short >= OWN_SIZE_FROM * fitting[-1].short_side_px:
        # No dearer than the rung above it, whose pixels it does not have.
        share = (short / above[0].short_side_px) ** 2
        cap_bps = max(fitting[-1].video_bps, round(above[0].video_bps * share))
        fitting.append(RungSpec(name=OWN_SIZE, short_side_px=own_side_px, video_bps=cap_bps))
    return fitting


def plan_ladder(
    wished: Sequence[RungSpec] | None, video: VideoFacts, difficulty: Difficulty = UNMEASURED
) -> tuple[tuple[RungPlan, ...], tuple[PlannedRung, ...]]:
    """Renditions from small to large, none larger than the source, in its own shape; and why, for all considered.

    Without a wish a rung is dropped when the one below it already looks like the source.
    """
    choice = candidates(wished, video)
    enough = len(choice) if wished is not None else _enough(choice, difficulty)
    rungs: list[RungPlan] = []
    considered: list[PlannedRung] = []
    for number, rung in enumerate(choice, start=1):
        width, height = fit_size(video, rung.short_side_px)
        divisor = 1 if wished is not None or number == enough else _rate_divisor(rung, video)
        if number <= enough:
            reason = "asked for" if wished is not None else _why_kept(rung, video, divisor)
            rungs.append(
                RungPlan(
                    name=rung.name,
                    folder=f"v{number}",
                    width=width,
                    height=height,
                    video_bps=rung.video_bps,
                    rate_divisor=divisor,
                    content=judge_content(difficulty),
                )
            )
        else:
            below = choice[enough - 1]
            alike_db = difficulty.psnr_db(below.short_side_px)
            reason = f"dropped: {below.name} looks like the source already ({alike_db:.1f} dB)"
        considered.append(
            PlannedRung(
                name=rung.name,
                width=width,
                height=height,
                frame_rate=round(float(video.rate / divisor), 3),
                cap_bps=rung.video_bps,
                kept=number <= enough,
                reason=reason,
            )
        )
    return tuple(rungs), tuple(considered)


def _enough(choice: Sequence[RungSpec], difficulty: Difficulty) -> int:
    """How many rungs it takes until one looks like the source."""
    for number, rung in enumerate(choice, start=1):
        lost_db = difficulty.psnr_db(rung.short_side_px)
        if lost_db is not None and lost_db >= ALIKE_FROM_DB:
            return number
    return len(choice)


def _rate_divisor(rung: RungSpec, video: VideoFacts) -> int:
    """Of a rung that is not the largest, which always has the source's rate."""
    return 2 if rung.short_side_px <= SMALL_SIDE_PX and video.rate > HIGH_RATE else 1


def _why_kept(rung: RungSpec, video: VideoFacts, divisor: int) -> str:
    short = min(video.display_width, video.display_height)
    if rung.name == OWN_SIZE:
        return f"the source's own size: its {short} px lie below all rungs, or well between two"
    reason = f"fits into the source's {short} px"
    if divisor > 1:
        reason += f"; half of {float(video.rate):g} pictures a second, as a small rung"
    return reason


def fit_size(video: VideoFacts, short_side_px: int) -> tuple[int, int]:
    """Width and height with this short side and the display's aspect ratio; even, as 4:2:0 needs them.

    Odd sides lose a pixel rather than gain one.
    """
    width, height = video.display_width, video.display_height
    short = min(width, height)

    def scale(side: int) -> int:
        # A rung of the source's own size, which may be odd.
        if short_side_px >= short - 1:
            return max(2, side // 2 * 2)
        if side == short:
            return short_side_px
        return max(2, round(side * short_side_px / short / 2) * 2)

    return scale(width), scale(height)
