"""PDF: a scan's own pixels where a page is one picture, else the page drawn at a scan's resolution."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from jobs.omr.page import Page, PageRefused
from jobs.omr.pages.jpeg import jpeg_facts, jpeg_page, strictly_decoded
from jobs.omr.pages.pixels import check_size, page_of
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

POINTS_PER_INCH = 72
# Drawn pages: enough for bubbles of 2 mm, no more than office scanners deliver.
DRAWN_DPI = 200
MOST_DRAWN_DPI = 300
# A picture this much of the page is the page; scanners leave thin margins.
WHOLE_PAGE = 0.9
INVISIBLE_TEXT = 3
# The end of a PDF is within its last bytes (ISO 32000-1, annex H.3, note 18 allows 1024).
TAIL = 1024
PASSWORD_ERROR = 4


def pdf_pages(path: Path, limits: OmrLimits) -> Iterator[Callable[[int], Page]]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2 * TAIL))
        if b"%%EOF" not in file.read():
            raise PageRefused(Reason.TRUNCATED, f"no end of the PDF in {path.stat().st_size} bytes")
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as exc:
        if exc.err_code == PASSWORD_ERROR:
            raise PageRefused(Reason.ENCRYPTED, "the PDF asks for a password") from exc
        raise PageRefused(Reason.CORRUPT, str(exc)) from exc
    with closing(document):
        for index in range(len(document)):
            yield partial(_page, document, index, limits=limits)


def _page(document: pdfium.PdfDocument, index: int, number: int, *, limits: OmrLimits) -> Page:
    try:
        with closing(document[index]) as page:
            pictures = _checked_pictures(page, limits)
            if scan := _own_scan(page, pictures):
                found = jpeg_page(scan, number, limits)
                turns = page.get_rotation() // 90
                return page_of(np.rot90(_pixels(found), -turns), number, dpi=_dpi(pictures[0]))
            return _drawn(page, pictures, number=number, limits=limits)
    except pdfium.PdfiumError as exc:
        raise PageRefused(Reason.CORRUPT, f"page {number}: {exc}") from exc


def _pixels(page: Page) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return page.gray if page.colour is None else page.colour


def _checked_pictures(page: pdfium.PdfPage, limits: OmrLimits) -> list[pdfium.PdfImage]:
    """The pictures on a page; pdfium fills what a cut one lacks, so each is looked at before anything is drawn."""
    pictures = []
    for picture in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        width, height = picture.get_px_size()
        if width * height > limits.max_pixels:
            check_size(width, height, limits)
        data = picture.get_data(decode_simple=True)
        match picture.get_filters(skip_simple=True):
            case ["DCTDecode"]:
                strictly_decoded(bytes(data)[: jpeg_facts(bytes(data)).end], "mjpeg")
            case []:
                bits = picture.get_metadata().bits_per_pixel
                if len(data) < (width * bits + 7) // 8 * height:
                    raise PageRefused(Reason.TRUNCATED, f"{len(data)} bytes for a picture of {width}x{height}x{bits}")
        pictures.append(picture)
    return pictures


def _own_scan(page: pdfium.PdfPage, pictures: list[pdfium.PdfImage]) -> bytes | None:
    """The JPEG that is the whole page, if there is nothing else to be seen on it."""
    if len(pictures) != 1 or pdfium_c.FPDFPage_GetAnnotCount(page) > 0:
        return None
    picture = pictures[0]
    if picture.get_filters(skip_simple=True) != ["DCTDecode"] or not _covers(page, picture):
        return None
    for other in page.get_objects(max_depth=3):
        text = other.type == pdfium_c.FPDF_PAGEOBJ_TEXT
        hidden = text and pdfium_c.FPDFTextObj_GetTextRenderMode(other) == INVISIBLE_TEXT
        if other.type not in (pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_FORM) and not hidden:
            return None
    data = bytes(picture.get_data(decode_simple=True))
    return data if jpeg_facts(data).components in (1, 3) else None


def _covers(page: pdfium.PdfPage, picture: pdfium.PdfImage) -> bool:
    a, b, c, d, _, _ = picture.get_matrix().get()
    left, bottom, right, top = page.get_bbox()
    upright = a > 0 and d > 0 and abs(b) + abs(c) < 1e-3 * (a + d)
    return bool(upright and a >= WHOLE_PAGE * (right - left) and d >= WHOLE_PAGE * (top - bottom))


def _dpi(picture: pdfium.PdfImage) -> float:
    a, b, _, _, _, _ = picture.get_matrix().get()
    return float(picture.get_px_size()[0] * POINTS_PER_INCH / max(np.hypot(a, b), 1e-3))


def _drawn(page: pdfium.PdfPage, pictures: list[pdfium.PdfImage], *, number: int, limits: OmrLimits) -> Page:
    width, height = page.get_size()
    whole = [picture for picture in pictures if _covers(page, picture)]
    dpi = max((_dpi(picture) for picture in whole), default=DRAWN_DPI)
    dpi = min(max(dpi, DRAWN_DPI if not whole else 1), MOST_DRAWN_DPI)
    check_size(round(width * dpi / POINTS_PER_INCH), round(height * dpi / POINTS_PER_INCH), limits)
    bitmap = page.render(scale=dpi / POINTS_PER_INCH)
    with closing(bitmap):
        return page_of(np.array(bitmap.to_numpy()), number, dpi=dpi)
