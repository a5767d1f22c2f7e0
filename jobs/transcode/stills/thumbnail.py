"""Makes the pictures that stand for the video: its poster, and the storyboard of its seek bar."""

from collections.abc import Sequence
from pathlib import Path

from jobs.transcode.encoding.encode import TrackFacts
from jobs.transcode.hls.layout import STORYBOARD_FOLDER, THUMBNAIL_NAME
from jobs.transcode.stills.storyboard import KeyFrame, StoryboardPlan, list_key_frames, plan_storyboard
from pipeline.contracts.envelope import Contract
from pipeline.contracts.transcode import Rendition, TranscodeLimits
from pipeline.media.sandbox.conversation import SandboxLimits
from pipeline.media.sandbox.run import run_sandboxed

STILLS_DEADLINE_S = 300
# Key frames that are looked at for the poster, spread over the video.
CANDIDATES = 24


class StillsRequest(Contract):
    """Folders hold a track's init and media segments; the poster and the storyboard's folder are written anew.

    Candidates for the poster are judged in the small track, and the one that is chosen is drawn of the large one, whose
    candidates are those of the same moments.
    """

    small_track: str
    large_track: str
    judged_candidates: tuple[KeyFrame, ...]
    poster_candidates: tuple[KeyFrame, ...]
    poster_target: str
    storyboard: StoryboardPlan
    storyboard_target: str


class StillsReply(Contract):
    """When the poster's picture is shown, and its size."""

    at_s: float
    width: int
    height: int


def draw_stills(
    tracks: Sequence[TrackFacts], renditions: Sequence[Rendition], *, output: Path, limits: TranscodeLimits
) -> StillsReply:
    """Write `thumbnail.jpg` of the largest rendition, and the storyboard of the smallest.

    Both are of our own renditions, which are upright and in the picture's own shape. `tracks` and `renditions` go
    from small to large.
    """
    small, large = tracks[0], tracks[-1]
    size = renditions[0]
    return run_sandboxed(
        "jobs.transcode.stills.thumbnail_child:draw_stills",
        StillsRequest(
            small_track=str(output / small.folder),
            large_track=str(output / large.folder),
            judged_candidates=spread(list_key_frames(small), CANDIDATES),
            poster_candidates=spread(list_key_frames(large), CANDIDATES),
            poster_target=str(output / THUMBNAIL_NAME),
            storyboard=plan_storyboard(
                list_key_frames(small), duration_s=size.duration_s, width=size.width, height=size.height
            ),
            storyboard_target=str(output / STORYBOARD_FOLDER),
        ),
        reply=StillsReply,
        limits=SandboxLimits(
            memory_mib=limits.decoder_memory_mib, cpu_s=STILLS_DEADLINE_S, deadline_s=STILLS_DEADLINE_S, file_mib=16
        ),
    )


def spread(frames: Sequence[KeyFrame], count: int) -> tuple[KeyFrame, ...]:
    """At most `count` of them, evenly, and none at the very beginning or end where there are enough."""
    numbers = sorted({(2 * n + 1) * len(frames) // (2 * count) for n in range(count)})
    return tuple(frames[number] for number in numbers)
