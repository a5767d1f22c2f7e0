"""What containers tell about their own end, by which a copy that broke off is known.

MP4, Matroska and FLV say how long they last, which is compared with what is decoded of them. What is read here is for
those that do not, or of which FFmpeg corrects the length to what is left of the file. Nothing is written or raised.
"""

import io
import struct
from typing import BinaryIO

from pipeline.media.transport_stream import torn_bytes

Seekable = BinaryIO | io.RawIOBase

# What a file may lack of its claimed size before its pictures do: an index at its end, padding, a careless muxer.
MISSING_SHARE = 0.02
HEAD_BYTES = 4096
# Formats of which the first bytes and the size are enough.
TOLD_IN_FRONT = ("mpegts", "avi", "asf")
# Holds the last pack of a programme stream, and the last page of Ogg (at most 65,307 bytes, RFC 3533).
TAIL_BYTES = 256 * 1024
# A live recording is read element by element, 75 of them a second: two hours in about a second.
MOST_ELEMENTS = 600_000

# ISO/IEC 13818-1, 2.5: start codes of a pack and of the end.
PACK, PROGRAM_END = b"\x00\x00\x01\xba", 0xB9
OGG_PAGE = b"OggS"
# Advanced Systems Format, 3.2: the object that holds the file's size, and its flag of a broadcast, which knows none.
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_BROADCAST = 1
# RFC 8794 and 9559: elements that a writer may leave without a length, for what is in them follows.
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675


def missing_end(container: str, file: Seekable) -> str | None:
    """In words, why a file of this FFmpeg format cannot be whole; None where nothing says so."""
    size_bytes = file.seek(0, io.SEEK_END)
    match container.split(",", maxsplit=1)[0]:
        case "mpegts":
            torn = torn_bytes(_read(file, 0, HEAD_BYTES), size_bytes)
            return f"the file ends {torn} bytes into a packet" if torn else None
        case "mpeg":
            return "the file ends inside a packet" if _is_program_torn(_read_tail(file, size_bytes)) else None
        case "ogg":
            return "the file ends inside a page" if _is_page_torn(_read_tail(file, size_bytes)) else None
        case "avi":
            return _short_of(_riff_bytes(_read(file, 0, HEAD_BYTES)), size_bytes)
        case "asf":
            return _short_of(_asf_bytes(_read(file, 0, HEAD_BYTES)), size_bytes)
        case "mov":
            return "the file ends inside a fragment" if _is_fragment_torn(file, size_bytes) else None
        case "matroska":
            return "the file ends inside an element" if _is_recording_torn(file, size_bytes) else None
        case _:
            return None


def _read(file: Seekable, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length) or b""


def _read_tail(file: Seekable, size_bytes: int) -> bytes:
    return _read(file, max(0, size_bytes - TAIL_BYTES), TAIL_BYTES)


def _short_of(claimed: int | None, size_bytes: int) -> str | None:
    if claimed is None or size_bytes >= (1 - MISSING_SHARE) * claimed:
        return None
    return f"the file has {size_bytes} bytes of the {claimed} that it begins with"


def _riff_bytes(head: bytes) -> int | None:
    """Of a larger file the first part only. A recorder that could not finish leaves a length that means nothing."""
    (length,) = struct.unpack_from("<I", head.ljust(8, b"\0"), 4)
    return 8 + length if 0 < length < 0xFFFF_FF00 else None


def _asf_bytes(head: bytes) -> int | None:
    place = head.find(ASF_FILE_PROPERTIES)
    if place < 0 or place + 92 > len(head):
        return None
    # 16 bytes of name, 8 of length, 16 of identity; then the file's size. Flags are 48 bytes further on.
    (claimed,) = struct.unpack_from("<Q", head, place + 40)
    (flags,) = struct.unpack_from("<I", head, place + 88)
    return None if flags & ASF_BROADCAST else claimed


def _is_program_torn(tail: bytes) -> bool:
    """Packets have a length each: from the last pack on they must lead to the end of the file."""
    place = tail.rfind(PACK)
    if place < 0:
        return False
    while place < len(tail):
        header = tail[place : place + 14]
        # Zeros fill a last sector up.
        if header[:3] != PACK[:3] or len(header) < 4:
            return any(header) and PACK.startswith(header)
        match header[3]:
            case 0xB9:
                place += 4
            case 0xBA:
                is_mpeg2 = header[4:5] >= b"\x40"
                place += 14 + (header[13] & 7 if len(header) == 14 else 0) if is_mpeg2 else 12
            case code if code > PROGRAM_END:
                place += 6 + int.from_bytes(header[4:6], "big")
            case _:
                return False
    return place > len(tail)


def _is_page_torn(tail: bytes) -> bool:
    """The last page begins with the lengths of its segments (RFC 3533, 6)."""
    page = tail[tail.rfind(OGG_PAGE) :]
    if not page.startswith(OGG_PAGE):
        return False
    return len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])


def _is_fragment_torn(file: Seekable, size_bytes: int) -> bool:
    """Boxes of a fragmented MP4 must lead to its end (ISO/IEC 14496-12, 4.2); others have told in front how long."""
    place, is_fragmented = 0, False
    for _ in range(MOST_ELEMENTS):
        header = _read(file, place, 16)
        if len(header) < 8:
            break
        length, kind = struct.unpack(">I4s", header[:8])
        is_fragmented = is_fragmented or kind == b"moof"
        if length == 1 and len(header) == 16:
            (length,) = struct.unpack(">Q", header[8:])
        if length < 8:
            # Zero says of the last box that it goes on to the end; zeros instead of a box say that one is gone.
            is_gone = kind == bytes(4) and place < (1 - MISSING_SHARE) * size_bytes
            return is_fragmented and is_gone
        place += length
    return is_fragmented and place > size_bytes


def _is_recording_torn(file: Seekable, size_bytes: int) -> bool:
    """A live Matroska, which has no length, must end behind a whole element (RFC 8794)."""
    place, is_live = 0, False
    for _ in range(MOST_ELEMENTS):
        header = _read(file, place, 12)
        if not header:
            break
        name_bytes = 9 - header[0].bit_length()
        if name_bytes > 4 or len(header) <= name_bytes:
            return is_live and len(header) < 12
        name, length_bytes = int.from_bytes(header[:name_bytes], "big"), 9 - header[name_bytes].bit_length()
        number = header[name_bytes : name_bytes + length_bytes]
        if len(number) < length_bytes:
            return is_live
        length = int.from_bytes(number, "big") - (1 << 7 * length_bytes)
        place += name_bytes + length_bytes
        if length != (1 << 7 * length_bytes) - 1:
            if name == SEGMENT:
                return False
            place += length
        elif name in (SEGMENT, CLUSTER):
            is_live = True
        else:
            return False
    return is_live and place > size_bytes
