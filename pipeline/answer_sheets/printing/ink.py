"""Drawing on a PDF page in millimetres from its top left corner, with Latin and Korean text."""

from io import BytesIO
from itertools import groupby
from typing import Any, Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

PT_PER_MM: Final = 72 / 25.4
LATIN: Final = "Helvetica"
LATIN_BOLD: Final = "Helvetica-Bold"
# One of Adobe's Korean fonts that no PDF needs to carry: viewers have it or take the system's own Hangul.
KOREAN: Final = "HYSMyeongJo-Medium"
SMALLEST_PT: Final = 5.0
LATIN_1: Final = 256


class Ink:
    """A document that is drawn page by page; the same drawing gives the same bytes."""

    def __init__(self, *, width_mm: float, height_mm: float, title: str) -> None:
        if KOREAN not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(UnicodeCIDFont(KOREAN))
        self._height_mm = height_mm
        self._content = BytesIO()
        size = (width_mm * PT_PER_MM, height_mm * PT_PER_MM)
        self._canvas: Any = canvas.Canvas(self._content, pagesize=size, invariant=1)
        self._canvas.setTitle(title)

    def next_page(self) -> None:
        self._canvas.showPage()

    def finish(self) -> bytes:
        self._canvas.save()
        return self._content.getvalue()

    def box(self, x: float, y: float, width: float, height: float, *, gray: float = 0.0) -> None:
        """A dark box; `x` and `y` are its top left corner."""
        self._canvas.setFillGray(gray)
        self._canvas.rect(*self._at(x, y + height), width * PT_PER_MM, height * PT_PER_MM, stroke=0, fill=1)

    def outline(self, x: float, y: float, width: float, height: float, *, gray: float, line_mm: float) -> None:
        self._pen(gray, line_mm)
        self._canvas.rect(*self._at(x, y + height), width * PT_PER_MM, height * PT_PER_MM, stroke=1, fill=0)

    def ellipse(
        self, x: float, y: float, half_width: float, half_height: float, *, gray: float, line_mm: float
    ) -> None:
        """An outline around the centre `x`, `y`."""
        self._pen(gray, line_mm)
        left, bottom = self._at(x - half_width, y + half_height)
        right, top = self._at(x + half_width, y - half_height)
        self._canvas.ellipse(left, bottom, right, top, stroke=1, fill=0)

    def disc(self, x: float, y: float, half: float, *, gray: float = 0.0) -> None:
        self._canvas.setFillGray(gray)
        self._canvas.circle(*self._at(x, y), half * PT_PER_MM, stroke=0, fill=1)

    def line(self, x1: float, y1: float, x2: float, y2: float, *, gray: float, line_mm: float) -> None:
        self._pen(gray, line_mm)
        self._canvas.line(*self._at(x1, y1), *self._at(x2, y2))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size_pt: float,
        gray: float = 0.0,
        align: float = 0.0,
        bold: bool = False,
        room_mm: float | None = None,
    ) -> float:
        """Text on the baseline `y`; returns its width in millimetres.

        `align` is where `x` lies in it: 0 its left end, 0.5 its middle, 1 its right end. It shrinks to `room_mm`, and
        what does not fit at the smallest size that can be read is cut off.
        """
        # The Korean font has no bold face, and one half of a title must not be heavier than the other.
        latin = LATIN_BOLD if bold and all(ord(letter) < LATIN_1 for letter in text) else LATIN
        if room_mm is not None and (width := _width_pt(text, latin, size_pt)) > room_mm * PT_PER_MM:
            size_pt = max(SMALLEST_PT, size_pt * room_mm * PT_PER_MM / width)
            text = _cut(text, latin, size_pt, room_pt=room_mm * PT_PER_MM)
        width = _width_pt(text, latin, size_pt)
        left, baseline = self._at(x, y)
        left -= align * width
        self._canvas.setFillGray(gray)
        for font, part in _runs(text, latin):
            self._canvas.setFont(font, size_pt)
            self._canvas.drawString(left, baseline, part)
            left += pdfmetrics.stringWidth(part, font, size_pt)
        return width / PT_PER_MM

    def _pen(self, gray: float, line_mm: float) -> None:
        self._canvas.setStrokeGray(gray)
        self._canvas.setLineWidth(line_mm * PT_PER_MM)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return x * PT_PER_MM, (self._height_mm - y) * PT_PER_MM


def _runs(text: str, latin: str) -> list[tuple[str, str]]:
    """Pieces of one font each: the built-in Latin fonts know nothing beyond Latin-1."""
    split = groupby(text, key=lambda letter: latin if ord(letter) < LATIN_1 else KOREAN)
    return [(font, "".join(letters)) for font, letters in split]


def _width_pt(text: str, latin: str, size_pt: float) -> float:
    return float(sum(pdfmetrics.stringWidth(part, font, size_pt) for font, part in _runs(text, latin)))


def _cut(text: str, latin: str, size_pt: float, *, room_pt: float) -> str:
    """As much of the text as fits."""
    # Rounding made the width that was aimed at a little wider.
    while text and _width_pt(text, latin, size_pt) > room_pt + 0.1:
        text = text[:-1]
    return text
