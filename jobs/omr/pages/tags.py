"""The directories of a TIFF file, which are also those of a JPEG's EXIF block. Reads headers only."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from mmap import mmap

from jobs.omr.page import PageRefused
from pipeline.reasons import Reason

WIDTH, HEIGHT, BITS, COMPRESSION = 0x100, 0x101, 0x102, 0x103
STRIP_OFFSETS, ORIENTATION, SAMPLES, STRIP_LENGTHS = 0x111, 0x112, 0x115, 0x117
X_RESOLUTION, RESOLUTION_UNIT = 0x11A, 0x128
TILE_OFFSETS, TILE_LENGTHS = 0x144, 0x145
JPEG_TABLES = 0x15B

CENTIMETRE = 3
CM_PER_INCH = 2.54

Content = bytes | mmap

# Bytes of a value, by the type's number in the TIFF 6.0 specification, section 2.
TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I"}
RATIONAL = 5
BYTES_OF_UNKNOWN = 7

# More values than the strips of any page that is within the limits.
MOST_VALUES = 1 << 20


@dataclass(frozen=True)
class Directory:
    """One directory: its tags' values, and where in the file its header stands."""

    offset: int
    tags: dict[int, tuple[int, ...]]
    resolution: float | None
    tables: bytes = b""

    def number(self, tag: int, default: int) -> int:
        return self.tags.get(tag, (default,))[0]

    @property
    def dpi(self) -> float | None:
        if not self.resolution:
            return None
        return self.resolution * (CM_PER_INCH if self.number(RESOLUTION_UNIT, 2) == CENTIMETRE else 1)


def byte_order(data: Content) -> str:
    match data[:4]:
        case b"II*\0":
            return "<"
        case b"MM\0*":
            return ">"
    raise PageRefused(Reason.CORRUPT, f"no TIFF header in {data[:4]!r}")


def directories(data: Content) -> Iterator[Directory]:
    """Every directory of the file in order; a chain that leaves the file or comes back to itself is refused."""
    order = byte_order(data)
    seen: set[int] = set()
    offset = _unpack(order + "I", data, 4)[0]
    while offset:
        if offset in seen:
            raise PageRefused(Reason.CORRUPT, f"the directory at {offset} follows itself")
        seen.add(offset)
        directory, offset = _directory(data, order, offset)
        yield directory


def _directory(data: Content, order: str, offset: int) -> tuple[Directory, int]:
    tags: dict[int, tuple[int, ...]] = {}
    resolution, tables = None, b""
    (count,) = _unpack(order + "H", data, offset)
    for entry in range(count):
        at = offset + 2 + 12 * entry
        tag, kind, values = _unpack(order + "HHI", data, at)
        size = TYPE_SIZES.get(kind, 0) * values
        if not 0 < values <= MOST_VALUES or not size:
            continue
        place = at + 8 if size <= 4 else _unpack(order + "I", data, at + 8)[0]
        if kind in WHOLE_NUMBERS:
            tags[tag] = _unpack(f"{order}{values}{WHOLE_NUMBERS[kind]}", data, place)
        elif tag == X_RESOLUTION and kind == RATIONAL:
            above, below = _unpack(order + "II", data, place)
            resolution = float(Fraction(above, below)) if below else None
        elif tag == JPEG_TABLES and kind == BYTES_OF_UNKNOWN:
            tables = data[place : place + size]
    (following,) = _unpack(order + "I", data, offset + 2 + 12 * count)
    return Directory(offset, tags, resolution, tables), following


def _unpack(pattern: str, data: Content, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(pattern, data, at)
    except struct.error as exc:
        raise PageRefused(Reason.TRUNCATED, f"the file ends before byte {at + struct.calcsize(pattern)}") from exc
