"""The filters that take 10-bit pictures of wide colours to BT.709."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from av.video.frame import VideoFrame

from jobs.transcode.colours.mastering import changes_by_scene, read_mastering
from jobs.transcode.colours.table import table_file
from jobs.transcode.encoding.scaling import Filter, arguments


@contextmanager
def mapping_filters(
    first: VideoFrame, primaries: str, transfer: str, *, matrix: str, scratch: Path
) -> Iterator[Sequence[Filter]]:
    """By what the first picture tells; names are FFmpeg's. The graph has to be made within the block."""
    if transfer == "smpte2084" and changes_by_scene(first):
        yield [("scale", arguments(_scene_by_scene(primaries, transfer, matrix)))]
        return
    with table_file(primaries, transfer, read_mastering(first), folder=scratch) as table:
        # Colour of half the size is repeated for the table and averaged behind it: filters that look further blur
        # the edges of colours twice, and what they make of light and dark beside each other is mapped to neither.
        as_rgb = {"flags": "neighbor", "in_range": "limited", "out_range": "full", "in_color_matrix": matrix}
        as_yuv = {"flags": "area", "in_range": "full", "out_range": "limited", "out_color_matrix": "bt709"}
        yield [
            ("scale", arguments(as_rgb)),
            # Of all formats the one with the fastest code in both of these filters, and with the least rounding.
            ("format", "gbrp16le"),
            ("lut3d", arguments({"file": _escaped(table), "interp": "tetrahedral"})),
            ("scale", arguments(as_yuv)),
            ("setparams", "color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=limited"),
        ]


def _scene_by_scene(primaries: str, transfer: str, matrix: str) -> dict[str, str]:
    """FFmpeg's own mapping, which follows light levels that change from picture to picture."""
    return {
        "in_range": "limited",
        "out_range": "limited",
        "in_color_matrix": matrix,
        "out_color_matrix": "bt709",
        "in_primaries": primaries,
        "out_primaries": "bt709",
        "in_transfer": transfer,
        "out_transfer": "bt709",
        "intent": "perceptual",
    }


def _escaped(path: Path) -> str:
    """As FFmpeg reads it out of a filter's arguments."""
    return "".join("\\" + letter if letter in "\\':" else letter for letter in str(path))
