"""TIFF of one or many pages. OpenCV decodes the pixels but only logs damage, so each page is checked before.

What is looked at: that every strip lies within the file, and, for compressed pages, that a decoder which stops at the
first complaint gets through (FFmpeg with `explode`; strips of JPEG one by one).
"""

import mmap
import struct
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path

import cv2

from jobs.omr.page import Page, PageRefused
from jobs.omr.pages import tags
from jobs.omr.pages.jpeg import strictly_decoded
from jobs.omr.pages.pixels import check_size, page_of
from jobs.omr.pages.tags import Content, Directory
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

# TIFF 6.0 and its supplements: CCITT, LZW, deflate, packbits. All of them are lossless.
CHECKED_COMPRESSIONS = frozenset({2, 3, 4, 5, 8, 32773, 32946})
JPEG = 7


def tiff_pages(path: Path, limits: OmrLimits) -> Iterator[Callable[[int], Page]]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for index, directory in enumerate(tags.directories(data)):
            yield partial(_page, data, path, index=index, directory=directory, limits=limits)


def _page(data: Content, path: Path, number: int, *, index: int, directory: Directory, limits: OmrLimits) -> Page:
    width, height = directory.number(tags.WIDTH, 0), directory.number(tags.HEIGHT, 0)
    check_size(width, height, limits)
    _check_strips(data, directory)
    _check_decoding(data, directory)
    good, pages = cv2.imreadmulti(str(path), index, 1, flags=cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if not good or not pages or pages[0].shape[:2] not in {(height, width), (width, height)}:
        raise PageRefused(Reason.CORRUPT, f"the TIFF page of {width}x{height} cannot be decoded")
    turned = directory.number(tags.ORIENTATION, 1) if pages[0].shape[:2] == (height, width) else 1
    return page_of(pages[0], number, dpi=directory.dpi, turned=turned)


def _strips(directory: Directory) -> list[tuple[int, int]]:
    """(offset, length) of every strip or tile."""
    offsets = directory.tags.get(tags.STRIP_OFFSETS) or directory.tags.get(tags.TILE_OFFSETS) or ()
    lengths = directory.tags.get(tags.STRIP_LENGTHS) or directory.tags.get(tags.TILE_LENGTHS) or ()
    if not offsets or len(offsets) != len(lengths):
        raise PageRefused(Reason.CORRUPT, f"{len(offsets)} strips with {len(lengths)} lengths")
    return list(zip(offsets, lengths, strict=True))


def _check_strips(data: Content, directory: Directory) -> None:
    for offset, length in _strips(directory):
        if offset + length > len(data):
            raise PageRefused(Reason.TRUNCATED, f"a strip ends at byte {offset + length} of {len(data)}")


def _check_decoding(data: Content, directory: Directory) -> None:
    compression = directory.number(tags.COMPRESSION, 1)
    if compression == JPEG:
        for offset, length in _strips(directory):
            strip = bytes(data[offset : offset + length])
            strictly_decoded(directory.tables[:-2] + strip[2:] if directory.tables else strip, "mjpeg")
    plain = directory.number(tags.SAMPLES, 1) in (1, 3) and directory.number(tags.BITS, 1) in (1, 8)
    if compression in CHECKED_COMPRESSIONS and plain and tags.STRIP_OFFSETS in directory.tags:
        strictly_decoded(_alone(data, directory), "tiff")


def _alone(data: Content, directory: Directory) -> bytes:
    """A TIFF of this page only, without the rest of a file that may be very large."""
    order = tags.byte_order(data)
    strips = _strips(directory)
    body = b"".join(data[offset : offset + length] for offset, length in strips)
    ends = [8, *(8 + end for end in accumulate(length for _, length in strips))]
    values = {**directory.tags, tags.STRIP_OFFSETS: tuple(ends[:-1])}
    table_at = ends[-1] + ends[-1] % 2
    extra_at = table_at + 2 + 12 * len(values) + 4
    table, extra = struct.pack(order + "H", len(values)), b""
    for tag, numbers in sorted(values.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) == 1:
            table += struct.pack(order + "HHI", tag, 4, 1) + packed
        else:
            table += struct.pack(order + "HHII", tag, 4, len(numbers), extra_at + len(extra))
            extra += packed
    head = data[:4] + struct.pack(order + "I", table_at)
    return head + body + b"\0" * (table_at - ends[-1]) + table + b"\0" * 4 + extra
