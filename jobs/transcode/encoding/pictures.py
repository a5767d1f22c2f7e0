"""Brings decoded pictures upright, to square pixels, to 8 bits, and onto the output's grid."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.filter import Graph
from av.video.frame import VideoFrame

from jobs.transcode.encoding.scaling import SHARP_CUBIC, Filter, arguments, open_graph, with_known_colours
from jobs.transcode.planning.ladder import RungPlan
from jobs.transcode.planning.plan import Plan
from pipeline.media.facts import Orientation, VideoFacts

# ISO/IEC 23091-2 numbers.
BT709, UNSPECIFIED, BT470BG, SMPTE170M = 1, 2, 5, 6
MATRIX_NAMES = {0: "bt709", BT709: "bt709", 4: "fcc", BT470BG: "bt470bg", SMPTE170M: "smpte170m", 7: "smpte240m"}
BT2020, SMPTE431, SMPTE432 = 9, 11, 12
BT2020_MATRICES = (9, 10)
WIDE_PRIMARIES = {BT2020: "bt2020", SMPTE431: "smpte431", SMPTE432: "smpte432"}
HDR_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
# Where a file does not say, players take the matrix of high definition from this height on.
HD_SHORT_SIDE_PX = 576
# Sizes are rounded to whole blocks: 854x480 and 1280x720, or 1080 rows and 1088, are one shape.
SAME_SHAPE = Fraction(2, 100)


@dataclass(frozen=True)
class Picture:
    """Picture `number` of the grid. The same frame object may stand for several numbers in a row."""

    number: int
    frame: VideoFrame
    is_key: bool


def output_matrix(video: VideoFacts) -> int:
    """The colour matrix that all renditions are written and tagged with: the source's own where players know it."""
    if wide_colours(video) is not None:
        return BT709
    match source_matrix(video):
        case 5 | 6:
            return SMPTE170M
        case _:
            return BT709


def source_matrix(video: VideoFacts) -> int:
    if video.colour.matrix != UNSPECIFIED:
        return video.colour.matrix
    return BT709 if min(video.display_width, video.display_height) > HD_SHORT_SIDE_PX else SMPTE170M


def wide_colours(video: VideoFacts) -> tuple[str, str] | None:
    """Primaries and transfer by FFmpeg's names where a BT.709 screen would show them wrong, else None.

    A file that tells only its transfer or its matrix means BT.2020: nothing else goes with PQ, HLG or that matrix.
    """
    colour = video.colour
    primaries = WIDE_PRIMARIES.get(colour.primaries)
    if primaries is None and (colour.is_hdr or (colour.primaries == UNSPECIFIED and colour.matrix in BT2020_MATRICES)):
        primaries = WIDE_PRIMARIES[BT2020]
    return (primaries, HDR_TRANSFERS.get(colour.transfer, "bt709")) if primaries is not None else None


def filters(
    video: VideoFacts, top: RungPlan, *, coded: tuple[int, int], mapping: Sequence[Filter] = ()
) -> list[Filter]:
    """FFmpeg's filters from a picture decoded at this width and height to the largest rendition's.

    Wide colours have a `mapping`. Pictures are scaled before anything else is done to them: the smaller picture is
    mapped and turned faster.
    """
    frame = (top.height, top.width) if video.orientation.swaps_sides else (top.width, top.height)
    width, height = fit_into(frame, video, coded)
    source = source_matrix_name(video)
    matrices = {
        "in_color_matrix": source,
        "out_color_matrix": source if mapping else MATRIX_NAMES[output_matrix(video)],
    }
    ranges = {"in_range": "full" if video.colour.full_range else "limited", "out_range": "limited"}
    scaling = {"w": str(width), "h": str(height), **SHARP_CUBIC, **ranges, **matrices}
    return [
        *([("bwdif", "mode=send_frame:deint=interlaced")] if video.interlaced else []),
        ("scale", arguments(scaling)),
        *([("format", "yuv420p10le"), *mapping] if mapping else []),
        ("format", "yuv420p"),
        *_bars((width, height), frame),
        *_turns(video.orientation),
    ]


def source_matrix_name(video: VideoFacts) -> str:
    """By FFmpeg's names."""
    return "bt2020" if _source_is_bt2020(video) else MATRIX_NAMES.get(source_matrix(video), "bt709")


def fit_into(frame: tuple[int, int], video: VideoFacts, coded: tuple[int, int]) -> tuple[int, int]:
    """The size at which a picture keeps its shape in `frame`; the frame's own for pictures as the plan knows them.

    A source that changes its size on the way, as when a telephone is turned or another window is shared, has the same
    pixels as before, and another shape. All sizes are as coded, before the picture is brought upright.
    """
    # How much wider than before, in whole pictures: 1 for the same shape in more or fewer pixels.
    wider = Fraction(coded[0] * video.coded_height, coded[1] * video.coded_width)
    # What a GPU has resized while it decoded has the size of the frame, and its shape.
    if coded == frame or abs(wider - 1) <= SAME_SHAPE:
        return frame
    width, height = frame
    return (
        (width, max(2, round(height / wider / 2) * 2)) if wider > 1 else (max(2, round(width * wider / 2) * 2), height)
    )


def _bars(size: tuple[int, int], frame: tuple[int, int]) -> list[Filter]:
    """Black on both sides of what does not fill the frame."""
    return [("pad", f"{frame[0]}:{frame[1]}:-1:-1:black")] if size != frame else []


def _source_is_bt2020(video: VideoFacts) -> bool:
    matrix = video.colour.matrix
    return matrix in BT2020_MATRICES or (matrix == UNSPECIFIED and video.colour.is_hdr)


def _turns(orientation: Orientation) -> list[Filter]:
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
    """Runs pictures through the filters; made anew where a source changes its size or format on the way.

    From the first interlaced picture on all are deinterlaced which say that they need it. What the source's `first`
    picture tells of the display that it was graded on holds for all of them; where it is None, that is the first one
    that comes. In `scratch` a table of colours lies for a moment.
    """

    def __init__(self, video: VideoFacts, top: RungPlan, *, scratch: Path, first: VideoFrame | None = None) -> None:
        self._video = video
        self._top = top
        self._scratch = scratch
        self._first = first
        self._shape: tuple[int, int, str] | None = None
        self._graph = Graph()

    def shape(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        shape = (frame.width, frame.height, frame.format.name)
        combs = frame.interlaced_frame and not self._video.interlaced
        if shape != self._shape or combs:
            yield from self.flush()
            self._shape = shape
            if combs:
                self._video = self._video.model_copy(update={"interlaced": True})
            self._graph = self._open(frame)
        self._graph.vpush(with_known_colours(frame))
        yield from self._pull()

    def _open(self, frame: VideoFrame) -> Graph:
        coded = (frame.width, frame.height)
        wide = wide_colours(self._video)
        if wide is None:
            return open_graph(frame, filters(self._video, self._top, coded=coded))
        # It needs numpy, which takes longer to load than a first picture to encode: only wide colours wait for it.
        from jobs.transcode.colours.mapping import mapping_filters  # noqa: PLC0415

        self._first = self._first or frame
        matrix = source_matrix_name(self._video)
        with mapping_filters(self._first, *wide, matrix=matrix, scratch=self._scratch) as mapping:
            return open_graph(frame, filters(self._video, self._top, coded=coded, mapping=mapping))

    def flush(self) -> Iterator[VideoFrame]:
        """What the deinterlacer holds back at the end."""
        if self._shape is not None:
            self._graph.vpush(None)
            yield from self._pull()

    def _pull(self) -> Iterator[VideoFrame]:
        while True:
            try:
                yield self._graph.vpull()
            except (BlockingIOError, EOFError):
                return


def slot_of(plan: Plan, at_s: Fraction) -> int:
    """The number of the first picture of the grid that shows what the source shows from `at_s` on."""
    since_start = at_s - Fraction(plan.video.start_s)
    # Stamps rounded to a container's units must not tip a picture over the middle.
    return _lead_pictures(plan) + math.floor(since_start * plan.grid.rate + Fraction(1, 2) + Fraction(1, 1000))


def source_s_of(plan: Plan, slot: int) -> Fraction:
    """The source's time of a picture that begins exactly where this one of the grid does."""
    return Fraction(plan.video.start_s) + (slot - _lead_pictures(plan)) / plan.grid.rate


def _lead_pictures(plan: Plan) -> int:
    """Pictures keep their phase on the grid, wherever the sound begins."""
    return round((plan.video.start_s - plan.origin_s) * plan.grid.rate)


class Placement:
    """Puts pictures on the grid: each slot shows the newest picture that has begun by its middle.

    Of the grid only `numbers` are handed out; what comes before them decides what the first of them shows.
    """

    def __init__(self, plan: Plan, numbers: range) -> None:
        self._plan = plan
        self._numbers = numbers
        self._keys = plan.grid.key_pictures()
        self._shown: VideoFrame | None = None
        self._shown_from: tuple[int, Fraction] | None = None
        self._next = 0

    @property
    def is_complete(self) -> bool:
        return self._next >= self._numbers.stop

    @property
    def is_empty(self) -> bool:
        """Nothing has come that could be shown."""
        return self._shown is None

    def place(self, frame: VideoFrame) -> Iterator[Picture]:
        """The pictures whose frame is known now that this one has come."""
        number = self._slot(frame)
        if self._shown is not None:
            yield from self._fill(number)
        self._shown = frame

    def finish(self) -> Iterator[Picture]:
        """The last frame is held to the end."""
        yield from self._fill(self._numbers.stop)

    def _slot(self, frame: VideoFrame) -> int:
        """Decoders hand pictures out in the order in which they are shown.

        So a picture without a time follows the one before it, and also one with an earlier time: AVI tells in which
        order pictures are decoded, which is another one where some look ahead.
        """
        slot, before_s = self._shown_from or (0, Fraction(0))
        at_s = frame.pts * frame.time_base if frame.pts is not None and frame.time_base is not None else None
        if at_s is None or (self._shown_from is not None and at_s < before_s):
            slot += 1
        else:
            slot = slot_of(self._plan, at_s)
        self._shown_from = slot, at_s if at_s is not None else before_s
        return slot

    def _fill(self, until: int) -> Iterator[Picture]:
        assert self._shown is not None
        self._next = max(self._next, min(until, self._numbers.start))
        while self._next < min(until, self._numbers.stop):
            yield Picture(number=self._next, frame=self._shown, is_key=self._next in self._keys)
            self._next += 1
