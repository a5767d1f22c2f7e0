"""An uploaded file as pages, told apart by its content and never by its name."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from jobs.omr.page import Page, PageRefused, RefusedPage
from jobs.omr.pages.archive import zip_pages
from jobs.omr.pages.jpeg import jpeg_page
from jobs.omr.pages.pdf import pdf_pages
from jobs.omr.pages.png import png_page, webp_page
from jobs.omr.pages.tiff import tiff_pages
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

HEAD = 1024


class FileKind(StrEnum):
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    PDF = "pdf"
    ZIP = "zip"


def sniff(head: bytes) -> FileKind:
    """What a file is, from its first bytes; raises PageRefused NOT_A_PICTURE or EMPTY_FILE."""
    if not head:
        raise PageRefused(Reason.EMPTY_FILE, "0 bytes")
    if head.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return FileKind.WEBP
    if head[:4] in (b"II*\0", b"MM\0*"):
        return FileKind.TIFF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return FileKind.ZIP
    if b"%PDF-" in head[:HEAD]:
        return FileKind.PDF
    raise PageRefused(Reason.NOT_A_PICTURE, f"begins with {head[:8]!r}")


def open_pages(
    path: Path, limits: OmrLimits, *, first: int = 1, last: int | None = None
) -> Iterator[Page | RefusedPage]:
    """Pages `first` to `last` of a file, decoded one at a time and counted from 1.

    A page that cannot be decoded is a `RefusedPage` and the next one follows; a file that cannot be opened at all is
    one `RefusedPage`. Nothing is raised for bad input. Pages before `first` are counted but not decoded.
    """
    number = 0
    try:
        for decode in _decoders(path, limits):
            number += 1
            if number > limits.max_pages:
                yield RefusedPage(number, Reason.TOO_MANY_PAGES, f"more than {limits.max_pages} pages")
                return
            if last is not None and number > last:
                return
            if number >= first:
                yield _page_or_refusal(decode, number)
    except PageRefused as refused:
        yield RefusedPage(number + 1, Reason(refused.reason), refused.detail)
        return
    if number == 0:
        yield RefusedPage(1, Reason.EMPTY_FILE, "no page in the file")


def count_pages(path: Path, limits: OmrLimits) -> int:
    """How many `open_pages` yields for the whole file, without decoding any."""
    number = 0
    try:
        for _ in _decoders(path, limits):
            number += 1
            if number > limits.max_pages:
                return number
    except PageRefused:
        return number + 1
    return max(number, 1)


def _page_or_refusal(decode: Callable[[int], Page], number: int) -> Page | RefusedPage:
    try:
        return decode(number)
    except PageRefused as refused:
        return RefusedPage(number, Reason(refused.reason), refused.detail)


def _decoders(path: Path, limits: OmrLimits) -> Iterator[Callable[[int], Page]]:
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD))
    match kind:
        case FileKind.PDF:
            return pdf_pages(path, limits)
        case FileKind.TIFF:
            return tiff_pages(path, limits)
        case FileKind.ZIP:
            return zip_pages(path, limits, picture_page)
        case FileKind.JPEG | FileKind.PNG | FileKind.WEBP:
            return iter([lambda number: picture_page(path.read_bytes(), number, limits)])


def picture_page(data: bytes, number: int, limits: OmrLimits) -> Page:
    """The page of a file that holds one picture: JPEG, PNG or WebP."""
    match sniff(data[:HEAD]):
        case FileKind.JPEG:
            return jpeg_page(data, number, limits)
        case FileKind.PNG:
            return png_page(data, number, limits)
        case FileKind.WEBP:
            return webp_page(data, number, limits)
        case FileKind.TIFF | FileKind.PDF | FileKind.ZIP as kind:
            raise PageRefused(Reason.NOT_A_PICTURE, f"a {kind} inside a ZIP")
