"""The sandboxed half of `jobs.transcode.stills.thumbnail`: chooses the poster as a person would.

A person takes a picture that is clear (not black, not faded, not blurred) and typical of the video, not its title.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation

from jobs.transcode.stills.storyboarding import draw_storyboard, jpeg, read_key_frame, resize
from jobs.transcode.stills.thumbnail import StillsReply, StillsRequest

LONGEST_SIDE_PX = 1280
# FFmpeg's mjpeg scale (2 best, 31 worst); 3 shows no blocks around letters.
POSTER_QUANTIZER = 3
# Candidates are judged at this width: what is blurred is so at this size too, what is noise is not.
JUDGED_WIDTH_PX = 320
# Of the clearest candidate's clarity; those above it are all clear, and the most typical of them is taken.
CLEAR_ENOUGH = 0.6
# A picture's likeness to others is seen in its layout, not in its details.
LAYOUT_CELLS = 16
# Brightness of 0 to 255 up to which a screen in a lit room shows nothing.
BLACK = 40

Grey = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def draw_stills(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = StillsRequest.model_validate_json(request)
    small, large = Path(asked.small_track), Path(asked.large_track)
    number = choose([_judged(read_key_frame(small, candidate)) for candidate in asked.judged_candidates])
    chosen = asked.poster_candidates[number]
    frame = read_key_frame(large, chosen)
    width, height = _fit(frame.width, frame.height, LONGEST_SIDE_PX)
    Path(asked.poster_target).write_bytes(jpeg(resize(frame, width, height), quantizer=POSTER_QUANTIZER))
    draw_storyboard(asked.storyboard, track=small, target=Path(asked.storyboard_target))
    return StillsReply(at_s=chosen.at_s, width=width, height=height).model_dump(mode="json")


def choose(pictures: Sequence[Grey]) -> int:
    """The number of the picture that is most like the other clear ones, of those that are clear."""
    clarities = [clarity(picture) for picture in pictures]
    clear = [number for number, value in enumerate(clarities) if value >= CLEAR_ENOUGH * max(clarities)]
    layouts = {number: _layout(pictures[number]) for number in clear}

    def strangeness(number: int) -> float:
        return float(np.median([np.abs(layouts[number] - other).mean() for other in layouts.values()]))

    return min(clear, key=lambda number: (strangeness(number), -clarities[number]))


def clarity(picture: Grey) -> float:
    """How much is to be seen: the mean strength of edges, times the share of the picture that is not black.

    Fades lower contrast, blur spreads edges, and a title is a few sharp letters on black. Edges are second differences
    in both directions (the Laplacian); their root keeps one sharp corner from outweighing many softer ones.
    """
    centre = 4 * picture[1:-1, 1:-1]
    edges = centre - picture[:-2, 1:-1] - picture[2:, 1:-1] - picture[1:-1, :-2] - picture[1:-1, 2:]
    return float(np.sqrt(np.abs(edges)).mean() * (picture > BLACK).mean())


def _judged(frame: VideoFrame) -> Grey:
    height = max(4, round(frame.height * JUDGED_WIDTH_PX / frame.width / 2) * 2)
    small = frame.reformat(JUDGED_WIDTH_PX, height, "gray", interpolation=Interpolation.AREA, threads=1)
    return small.to_ndarray().astype(np.float32)


def _layout(picture: Grey) -> Grey:
    """Mean brightness of the cells of a coarse grid."""
    height, width = picture.shape
    rows = np.array_split(np.arange(height), min(height, LAYOUT_CELLS))
    columns = np.array_split(np.arange(width), min(width, LAYOUT_CELLS))
    return np.array([[picture[np.ix_(row, column)].mean() for column in columns] for row in rows], dtype=np.float32)


def _fit(width: int, height: int, longest_px: int) -> tuple[int, int]:
    shrink = min(1.0, longest_px / max(width, height))
    return max(2, int(width * shrink) // 2 * 2), max(2, int(height * shrink) // 2 * 2)
