"""Chooses the renditions of a source. Pure."""

from collections.abc import Sequence

from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import RungSpec
from pipeline.media.facts import VideoFacts


class RungPlan(Contract):
    """One rendition to encode; `folder` is where it lies in the output."""

    name: str
    folder: str
    width: int
    height: int
    video_bps: int


def plan_ladder(wished: Sequence[RungSpec], video: VideoFacts) -> tuple[RungPlan, ...]:
    """Renditions from small to large, none larger than the source, in the source's own shape.

    The short side decides which rungs fit, so that a portrait gets the same quality as a landscape. A source that
    is smaller than every rung gets one of its own size.
    """
    short = min(video.display_width, video.display_height)
    ascending = sorted(wished, key=lambda rung: rung.short_side_px)
    fitting = [rung for rung in ascending if rung.short_side_px <= short]
    sizes = [(rung.name, rung.video_bps, *fit_size(video, rung.short_side_px)) for rung in fitting]
    if not sizes:
        sizes = [("source", ascending[0].video_bps, *fit_size(video, short))]
    return tuple(
        RungPlan(name=name, folder=f"v{number}", width=width, height=height, video_bps=video_bps)
        for number, (name, video_bps, width, height) in enumerate(sizes, start=1)
    )


def fit_size(video: VideoFacts, short_side_px: int) -> tuple[int, int]:
    """Width and height with this short side and the display's aspect ratio; even, as 4:2:0 needs them.

    Odd sides lose a pixel rather than gain one.
    """
    width, height = video.display_width, video.display_height
    short = min(width, height)

    def scale(side: int) -> int:
        if short in (side, short_side_px):
            wanted = side * short_side_px / short
            return max(2, int(wanted) // 2 * 2)
        return max(2, round(side * short_side_px / short / 2) * 2)

    return scale(width), scale(height)
