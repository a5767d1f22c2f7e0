"""What a picture tells of the display that its colours were graded on."""

import struct
from typing import NamedTuple, cast

from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

Chromaticities = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""CIE 1931 x and y of red, green and blue."""

# PQ goes no higher (SMPTE ST 2084), cd/m2.
PQ_PEAK = 10_000.0
# AVMasteringDisplayMetadata of libavutil: red, green, blue and white as x, y, then the lowest and the highest
# luminance, all as numerator and denominator; then whether there are chromaticities, and whether luminances.
_MASTERING = struct.Struct("<22i")


class Mastering(NamedTuple):
    """`gamut` and `light` (darkest and brightest, cd/m2) are None where they are not told or are no display's."""

    gamut: Chromaticities | None = None
    light: tuple[float, float] | None = None


def read_mastering(frame: VideoFrame) -> Mastering:
    """From SMPTE ST 2086's metadata, which a decoder attaches to its pictures."""
    # A mapping of its own kind, which its stubs describe as a plain dictionary.
    attached = cast("SideDataContainer", frame.side_data)
    if SideDataType.MASTERING_DISPLAY_METADATA not in attached:
        return Mastering()
    return parse_mastering(bytes(attached[SideDataType.MASTERING_DISPLAY_METADATA]))


def parse_mastering(metadata: bytes) -> Mastering:
    """Of libavutil's structure."""
    *fractions, has_gamut, has_light = _MASTERING.unpack_from(metadata)
    values = [above / below if below else 0.0 for above, below in zip(fractions[::2], fractions[1::2], strict=True)]
    red, green, blue = (values[0], values[1]), (values[2], values[3]), (values[4], values[5])
    darkest, brightest = values[8:10]
    return Mastering(
        gamut=(red, green, blue) if has_gamut and _is_triangle(red, green, blue) else None,
        light=(darkest, brightest) if has_light and 0 <= darkest < 1 <= brightest <= PQ_PEAK else None,
    )


def changes_by_scene(frame: VideoFrame) -> bool:
    """Whether it tells its own light levels (HDR10+, SMPTE ST 2094-40), which the next picture may change."""
    return SideDataType.DYNAMIC_HDR_PLUS in cast("SideDataContainer", frame.side_data)


def _is_triangle(red: tuple[float, float], green: tuple[float, float], blue: tuple[float, float]) -> bool:
    """Whether it holds white (D65), on the inner side of all three edges."""
    white = (0.3127, 0.3290)
    edges = ((red, green), (green, blue), (blue, red))
    inside = all((b[0] - a[0]) * (white[1] - a[1]) - (b[1] - a[1]) * (white[0] - a[0]) > 0 for a, b in edges)
    return inside and all(y > 0 for _, y in (red, green, blue))
