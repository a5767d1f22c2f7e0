"""Brings decoded pictures upright, to square pixels, to 8 bits, and onto the output's grid."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from jobs.transcode.ladder import RungPlan
from jobs.transcode.plan import Plan
from pipeline.media.facts import Orientation, VideoFacts

# ISO/IEC 23091-2 numbers.
BT709, UNSPECIFIED, BT470BG, SMPTE170M = 1, 2, 5, 6
MATRIX_NAMES = {0: "bt709", BT709: "bt709", 4: "fcc", BT470BG: "bt470bg", SMPTE170M: "smpte170m", 7: "smpte240m"}
BT2020_MATRICES = (9, 10)
# Where a file does not say, players take the matrix of high definition from this height on.
HD_SHORT_SIDE_PX = 576
# The cubic filter with a = -0.75: letters are sharper than with Lanczos (+0.9 VMAF), at 4 taps instead of 6.
SHARP_CUBIC = "flags=bicubic:param0=0:param1=0.75"


@dataclass(frozen=True)
class Picture:
    """Picture `number` of the grid. The same frame object may stand for several numbers in a row."""

    number: int
    frame: VideoFrame
    is_key: bool


def output_matrix(video: VideoFacts) -> int:
    """The colour matrix that all renditions are written and tagged with: the source's own where players know it."""
    match source_matrix(video):
        case 5 | 6:
            return SMPTE170M
        case _:
            return BT709


def source_matrix(video: VideoFacts) -> int:
    if video.colour.matrix != UNSPECIFIED:
        return video.colour.matrix
    return BT709 if min(video.display_width, video.display_height) > HD_SHORT_SIDE_PX else SMPTE170M


def filters(video: VideoFacts, top: RungPlan) -> list[tuple[str, str]]:
    """Names and arguments of FFmpeg's filters from a decoded picture to the largest rendition's.

    Pictures are scaled before they are turned: the smaller picture is turned faster.
    """
    width, height = (top.height, top.width) if video.orientation.swaps_sides else (top.width, top.height)
    source = source_matrix(video)
    in_matrix = "bt2020" if source in BT2020_MATRICES else MATRIX_NAMES.get(source, "bt709")
    chain = [("bwdif", "mode=send_frame:deint=interlaced")] if video.interlaced else []
    colours = {
        "in_range": "full" if video.colour.full_range else "limited",
        "out_range": "limited",
        "in_color_matrix": in_matrix,
        "out_color_matrix": MATRIX_NAMES[output_matrix(video)],
    }
    scale = ":".join([f"{width}:{height}:{SHARP_CUBIC}", *(f"{name}={value}" for name, value in colours.items())])
    return [*chain, ("scale", scale), ("format", "yuv420p"), *_turns(video.orientation)]


def _turns(orientation: Orientation) -> list[tuple[str, str]]:
    mirror = [("hflip", "")] if orientation.mirrored else []
    match orientation.quarter_turns:
        case 1:
            return [*mirror, ("transpose", "clock")]
        case 2:
            return [*mirror, ("hflip", ""), ("vflip", "")]
        case 3:
            return [*mirror, ("transpose", "cclock")]
        case _:
            return mirror


class Shaper:
    """Runs pictures through the filters; made anew where a source changes its size or format on the way."""

    def __init__(self, video: VideoFacts, top: RungPlan) -> None:
        self._chain = filters(video, top)
        self._shape: tuple[int, int, str] | None = None
        self._graph = Graph()

    def shape(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._shape:
            yield from self.flush()
            self._shape = shape
            self._graph = self._build(frame)
        self._graph.vpush(frame)
        yield from self._pull()

    def flush(self) -> Iterator[VideoFrame]:
        """What the deinterlacer holds back at the end."""
        if self._shape is not None:
            self._graph.vpush(None)
            yield from self._pull()

    def _build(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        # Encoders keep the cores busy; a second level of threads only adds switches.
        graph.threads = 1
        nodes: list[FilterContext] = [
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base),
            *(graph.add(name, args or None) for name, args in self._chain),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph

    def _pull(self) -> Iterator[VideoFrame]:
        while True:
            try:
                yield self._graph.vpull()
            except (BlockingIOError, EOFError):
                return


class Placement:
    """Puts pictures on the grid: each slot shows the newest picture that has begun by its middle."""

    def __init__(self, plan: Plan) -> None:
        self._grid = plan.grid
        self._keys = frozenset(plan.grid.starts())
        self._start_s = Fraction(plan.video.start_s)
        self._lead = round((plan.video.start_s - plan.origin_s) * plan.grid.rate)
        self._shown: VideoFrame | None = None
        self._next = 0

    def place(self, frame: VideoFrame) -> Iterator[Picture]:
        """The pictures whose frame is known now that this one has come."""
        number = self._lead + self._slot(frame)
        if self._shown is not None:
            yield from self._fill(number)
        self._shown = frame

    def finish(self) -> Iterator[Picture]:
        """The last frame is held to the end of the plan."""
        yield from self._fill(self._grid.pictures)

    def _slot(self, frame: VideoFrame) -> int:
        if frame.pts is None or frame.time_base is None:
            # A frame without a time follows the one before it.
            return self._next + 1 - self._lead
        since_start = frame.pts * frame.time_base - self._start_s
        # Stamps rounded to a container's units must not tip a picture over the middle.
        return math.floor(since_start * self._grid.rate + Fraction(1, 2) + Fraction(1, 1000))

    def _fill(self, until: int) -> Iterator[Picture]:
        assert self._shown is not None
        while self._next < min(until, self._grid.pictures):
            yield Picture(number=self._next, frame=self._shown, is_key=self._next in self._keys)
            self._next += 1
