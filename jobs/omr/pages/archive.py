"""ZIP of pictures: never unpacked to disk, so no name in it can leave a folder; a bomb is told by what it unpacks."""

import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from jobs.omr.page import Page, PageRefused
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

# The largest file of one picture within the pixel limit: in colour, not compressed.
BYTES_PER_PIXEL = 3
# zlib makes as many bytes at once as it is asked for, whatever the entry's head says.
CHUNK_BYTES = 1024 * 1024
# A ZIP may hold this many entries that are not pages (folders, resource forks) for each page that is allowed.
ENTRIES_PER_PAGE = 4
ENCRYPTED_FLAG = 0x1

Decode = Callable[[bytes, int, OmrLimits], Page]


def zip_pages(path: Path, limits: OmrLimits, decode: Decode) -> Iterator[Callable[[int], Page]]:
    """One page per picture, in the order of their names with numbers counted as numbers."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError) as exc:
        raise PageRefused(Reason.TRUNCATED, f"not a whole ZIP: {exc}") from exc
    with archive:
        entries = archive.infolist()
        if len(entries) > limits.max_pages * ENTRIES_PER_PAGE:
            raise PageRefused(Reason.TOO_MANY_PAGES, f"{len(entries)} entries in the ZIP")
        for entry in sorted((entry for entry in entries if _is_page(entry)), key=_in_order):
            yield partial(_page, archive, entry, decode=decode, limits=limits)


def _page(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, number: int, *, decode: Decode, limits: OmrLimits) -> Page:
    return decode(_content(archive, entry, limits), number, limits)


def _is_page(entry: zipfile.ZipInfo) -> bool:
    parts = entry.filename.split("/")
    return not entry.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")


def _in_order(entry: zipfile.ZipInfo) -> list[tuple[int, str]]:
    """`scan2` before `scan10`."""
    words: list[str] = [""]
    for char in entry.filename:
        if char.isdecimal() != words[-1].isdecimal():
            words.append("")
        words[-1] += char
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words]


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: OmrLimits) -> bytes:
    most = limits.max_pixels * BYTES_PER_PIXEL
    if entry.flag_bits & ENCRYPTED_FLAG:
        raise PageRefused(Reason.ENCRYPTED, "the picture in the ZIP is encrypted")
    if entry.file_size > most:
        raise PageRefused(Reason.DIMENSIONS_EXCEEDED, f"{entry.file_size} bytes in one picture of the ZIP")
    try:
        content = bytearray()
        with archive.open(entry) as file:
            while len(content) <= most and (chunk := file.read(CHUNK_BYTES)):
                content += chunk
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as exc:
        raise PageRefused(Reason.CORRUPT, f"the ZIP is damaged: {exc}") from exc
    except Exception as exc:  # zlib.error and lzma.LZMAError have no common class
        if type(exc).__name__ not in {"error", "LZMAError"}:
            raise
        raise PageRefused(Reason.CORRUPT, f"the ZIP is damaged: {exc}") from exc
    if len(content) > most:
        raise PageRefused(Reason.DIMENSIONS_EXCEEDED, f"more than {most} bytes in one picture of the ZIP")
    return bytes(content)
