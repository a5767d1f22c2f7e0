"""PNG and WebP. Every chunk of a PNG carries a checksum, so a damaged or cut one is told before it is decoded."""

import struct
import zlib

import cv2
import numpy as np

from jobs.omr.page import Page, PageRefused
from jobs.omr.pages.jpeg import strictly_decoded
from jobs.omr.pages.pixels import check_size, page_of
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

METRE = 1
METRES_PER_INCH = 0.0254


def png_page(data: bytes, number: int, limits: OmrLimits) -> Page:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise PageRefused(Reason.TRUNCATED, f"no PNG header in {len(data)} bytes")
    width, height = struct.unpack_from(">II", data, 16)
    check_size(width, height, limits)
    dpi = _checked_chunks(data)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != (height, width):
        raise PageRefused(Reason.CORRUPT, f"the PNG of {width}x{height} cannot be decoded")
    return page_of(pixels, number, dpi=dpi)


def webp_page(data: bytes, number: int, limits: OmrLimits) -> Page:
    """WebP as phones share it; its size comes out of the RIFF header, so a cut one is told at once."""
    (size,) = struct.unpack_from("<I", data, 4)
    if len(data) < size + 8:
        raise PageRefused(Reason.TRUNCATED, f"{len(data)} of {size + 8} bytes")
    check_size(*_webp_size(data), limits)
    strictly_decoded(data, "webp")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise PageRefused(Reason.CORRUPT, "the WebP cannot be decoded")
    return page_of(pixels, number)


def _checked_chunks(data: bytes) -> float | None:
    """The resolution in dpi, if the file tells one; refuses a wrong checksum and a file without its last chunk."""
    at, dpi = 8, None
    view = memoryview(data)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        if zlib.crc32(view[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise PageRefused(Reason.CORRUPT, f"wrong checksum of chunk {kind!r} at byte {at}")
        if kind == b"pHYs" and length == 9:
            across, _, unit = struct.unpack_from(">IIB", data, at + 8)
            dpi = across * METRES_PER_INCH if unit == METRE else None
        if kind == b"IEND":
            return dpi
        at = end
    raise PageRefused(Reason.TRUNCATED, f"no last chunk in {len(data)} bytes")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height, from any of the three kinds of first chunk (RFC 9649, sections 2.5 to 2.7)."""
    if len(data) < 30:
        raise PageRefused(Reason.TRUNCATED, f"a WebP of {len(data)} bytes")
    match data[12:16]:
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    raise PageRefused(Reason.CORRUPT, f"a WebP that begins with {data[12:16]!r}")
