"""How pictures are made smaller, and the filter graphs that do it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

# Brightness by the cubic filter with a = -0.75: letters are sharper than with Lanczos (+0.9 VMAF), at 4 taps instead of
# 6. Colour, which the eye sees less sharply and 4:2:0 has blurred already, by two taps.
SHARP_CUBIC: Mapping[str, str] = MappingProxyType({"flags": "bicublin", "param0": "0", "param1": "0.75"})

Filter = tuple[str, str]
"""The name of one of FFmpeg's filters, and its arguments."""


def arguments(options: Mapping[str, str]) -> str:
    """As FFmpeg writes a filter's options."""
    return ":".join(f"{name}={value}" for name, value in options.items())


def open_graph(frame: VideoFrame, chain: Sequence[Filter]) -> Graph:
    """A graph of filters for pictures of this one's size and format."""
    graph = Graph()
    # Encoders keep the cores busy; a second level of threads only adds switches.
    graph.threads = 1
    nodes: list[FilterContext] = [
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base),
        *(graph.add(name, args or None) for name, args in chain),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


# FFmpeg would take a graph's pictures to another matrix than the frames', since PyAV cannot tell it theirs. The same
# name on both sides, whichever it is, leaves colours as they are.
SAME_COLOURS: Mapping[str, str] = MappingProxyType({"in_color_matrix": "bt709", "out_color_matrix": "bt709"})


# Numbers of ISO/IEC 23091-2 that FFmpeg's scaler knows. It refuses pictures with the others: those are reserved, and
# written by recorders that mean nothing by them.
KNOWN_PRIMARIES = frozenset({1, 2, *range(4, 13), 22})
KNOWN_TRANSFERS = frozenset({1, 2, *range(4, 9), *range(11, 19)})
UNSPECIFIED = 2


def with_known_colours(frame: VideoFrame) -> VideoFrame:
    """The same frame; colours that are called by a reserved number are called unspecified from now on."""
    if int(frame.color_primaries) not in KNOWN_PRIMARIES:
        frame.color_primaries = UNSPECIFIED
    if int(frame.color_trc) not in KNOWN_TRANSFERS:
        frame.color_trc = UNSPECIFIED
    return frame


class Scaler:
    """Scales pictures that all have one size and format: each once, however often it is shown in a row."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._graph: Graph | None = None
        self._source: VideoFrame | None = None
        self._scaled: VideoFrame | None = None

    def scale(self, frame: VideoFrame) -> VideoFrame:
        """The frame itself where it has that size already."""
        if (frame.width, frame.height) == self._size:
            return frame
        if self._scaled is None or frame is not self._source:
            if self._graph is None:
                width, height = self._size
                scaling = arguments({"w": str(width), "h": str(height), **SHARP_CUBIC, **SAME_COLOURS})
                self._graph = open_graph(frame, [("scale", scaling)])
            self._graph.vpush(frame)
            self._source, self._scaled = frame, self._graph.vpull()
        return self._scaled
