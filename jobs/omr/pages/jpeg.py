"""JPEG, strictly: a picture that is cut or damaged is refused, not filled with grey.

Measured on a 1240x1754 gray scan: FFmpeg's decoder with `explode` takes 4.3 ms where libjpeg takes 3.4, and it notices
every cut of 19 in each of 30 real scans, with and without an end marker put back; OpenCV notices none of them.
"""

import re
import struct
from dataclasses import dataclass

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.page import Page, PageRefused
from jobs.omr.pages.pixels import check_size, page_of, upright
from jobs.omr.pages.tags import ORIENTATION, directories
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

SOI, EOI, SOS, APP0, APP1 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1
# Start of frame, all kinds; C4, C8 and CC are tables.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
# A marker within entropy-coded data: neither a stuffed FF, nor a restart, nor fill bytes (ITU T.81, B.1.1).
MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

LUMA_FIRST = frozenset({"gray", "yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p", "yuvj411p"})


@dataclass(frozen=True)
class JpegFacts:
    """What the markers say. `end` is where the picture ends: phones append further pictures behind it."""

    width: int
    height: int
    components: int
    orientation: int
    dpi: float | None
    end: int


def jpeg_page(data: bytes, number: int, limits: OmrLimits) -> Page:
    facts = jpeg_facts(data)
    check_size(facts.width, facts.height, limits)
    whole = data[: facts.end]
    frame = strictly_decoded(whole, "mjpeg")
    if (frame.width, frame.height) != (facts.width, facts.height):
        raise PageRefused(
            Reason.CORRUPT, f"the header says {facts.width}x{facts.height}, not {frame.width}x{frame.height}"
        )
    if frame.format.name not in LUMA_FIRST or facts.components == 4:
        pixels = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels is None:
            raise PageRefused(Reason.UNSUPPORTED_CODEC, f"a JPEG of {facts.components} components")
        return page_of(pixels, number, dpi=facts.dpi, turned=facts.orientation)
    gray = upright(plane(frame), facts.orientation)
    colour = None
    if frame.format.name != "gray":
        colour = upright(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8), facts.orientation)
    return Page(number=number, gray=gray, colour=colour, dpi=facts.dpi)


def strictly_decoded(data: bytes, codec: str) -> av.VideoFrame:
    """The one frame in `data`; any complaint of the decoder is a refusal."""
    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"err_detect": "explode+crccheck+bitstream+buffer"}
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except av.FFmpegError as exc:
        raise PageRefused(Reason.CORRUPT, f"{codec}: {exc.strerror}") from exc
    if not frames:
        raise PageRefused(Reason.CORRUPT, f"{codec}: no picture")
    return frames[0]


def plane(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """(h, w) brightness; of JPEG it has the full range, as gray."""
    rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(-1, frame.planes[0].line_size)
    return np.asarray(rows[: frame.height, : frame.width])


def jpeg_facts(data: bytes) -> JpegFacts:
    """Walk the markers from the first to the end of the picture; refuses what never ends."""
    width = height = components = 0
    orientation, dpi = 1, None
    at = 2
    while True:
        if at + 4 > len(data):
            raise PageRefused(Reason.TRUNCATED, f"no end marker in {len(data)} bytes")
        if data[at] != 0xFF:
            raise PageRefused(Reason.CORRUPT, f"no marker at byte {at}")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in STANDALONE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker in FRAMES and len(body) >= 6:
            height, width, components = struct.unpack_from(">HHB", body, 1)
        elif marker == APP0 and body[:5] == b"JFIF\0" and len(body) >= 12:
            dpi = _jfif_dpi(body)
        elif marker == APP1 and body[:6] == b"Exif\0\0":
            orientation = _exif_orientation(body[6:])
        elif marker == SOS:
            at = _end_of_scan(data, at)
            if data[at + 1] == EOI:
                break
    if not width or not height:
        raise PageRefused(Reason.CORRUPT, f"a picture of {width}x{height}")
    return JpegFacts(width, height, components, orientation, dpi, at + 2)


def _end_of_scan(data: bytes, at: int) -> int:
    found = MARKER_IN_SCAN.search(data, at)
    if found is None:
        raise PageRefused(Reason.TRUNCATED, f"no end marker in {len(data)} bytes")
    return found.start()


def _jfif_dpi(body: bytes) -> float | None:
    unit, density = struct.unpack_from(">BH", body, 7)
    return {1: float(density), 2: density * 2.54}.get(unit) if density > 1 else None


def _exif_orientation(block: bytes) -> int:
    """The orientation of a block that is whole; a broken block says nothing, the picture itself may be good."""
    try:
        first = next(directories(block), None)
    except PageRefused:
        return 1
    value = first.number(ORIENTATION, 1) if first else 1
    return value if 1 <= value <= 8 else 1
