"""A page tells which sheet it is, as far as its QR code can be read."""

from dataclasses import replace

import cv2
import numpy as np
import pypdfium2
import pytest

from jobs.omr.page import Gray
from jobs.omr.page_code import read_page_code
from jobs.omr.registration.registered import Points, Registered
from pipeline.answer_sheets.printing.layout import template_for
from pipeline.answer_sheets.printing.options import Language, SheetOptions
from pipeline.answer_sheets.printing.page import sheet_pdf

TEMPLATE = template_for(SheetOptions(name="monday", questions=20, choices=5, student_digits=8))


def scanned(*, dpi: int, turn_degrees: float = 0.0) -> Registered:
    """The printed page, turned, and where its frame lies on it: what registration finds."""
    pages = pypdfium2.PdfDocument(sheet_pdf(TEMPLATE, Language.ENGLISH, page_ids=("CLASS-7 003",)))
    drawn = pages[0].render(scale=dpi / 72).to_numpy()[..., :3]
    gray = cv2.cvtColor(np.ascontiguousarray(drawn), cv2.COLOR_BGR2GRAY)
    height, width = gray.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), turn_degrees, 1.0)
    turned: Gray = cv2.warpAffine(gray, turn, (width, height), borderValue=255).astype(np.uint8)

    def to_page(points: Points) -> Points:
        return np.asarray(points * (dpi / 25.4) @ turn[:, :2].T + turn[:, 2])

    return Registered(
        gray=turned,
        colour=None,
        positions=np.empty((0, 2)),
        half_sizes_px=np.empty((0, 2)),
        px_per_unit=dpi / 25.4,
        residual_mm=0.0,
        method="known",
        quarter_turns=0,
        mode="scan",
        to_page=to_page,
    )


@pytest.mark.parametrize(("dpi", "turn_degrees"), [(100, 0.0), (150, 3.0), (300, -4.0)])
def test_the_code_of_a_printed_page_is_read(dpi: int, turn_degrees: float):
    assert read_page_code(scanned(dpi=dpi, turn_degrees=turn_degrees), TEMPLATE.page_code) == "CLASS-7 003"


def test_a_code_that_is_covered_says_nothing():
    page = scanned(dpi=150)
    assert read_page_code(replace(page, gray=np.full_like(page.gray, 255)), TEMPLATE.page_code) is None


def test_a_template_without_a_code_is_not_searched_for_one():
    assert read_page_code(scanned(dpi=100), None) is None
