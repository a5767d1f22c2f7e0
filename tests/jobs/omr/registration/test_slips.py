"""A lattice fits itself a row or a column off: the rims of its blocks, then the template, tell where it belongs."""

import cv2
import numpy as np
import pytest

from jobs.omr.form import Form
from jobs.omr.page import Gray, Page
from jobs.omr.registration.canvas import canvas_of, flattened
from jobs.omr.registration.displacements import NONE
from jobs.omr.registration.evidence import InkAtScale
from jobs.omr.registration.lattice import response
from jobs.omr.registration.likeness import likeness_on
from jobs.omr.registration.refining import Fit, Looking
from jobs.omr.registration.register import is_believed, register
from jobs.omr.registration.settling import settled
from jobs.omr.registration.slips import CLEAR_DIFFERENCE, Slips, slips_of
from jobs.omr.registration.way_up import SEARCHED
from pipeline.answer_sheets.template import Fiducial, FieldBlock, Frame, Shape, Template

PX_PER_MM = 4.0
STEP, ROW = 7.0, 8.0
RADIUS = 2.2
COLUMNS, ROWS = (30.0, 80.0, 130.0), 18


def form(values: str = "ABCD") -> Form:
    blocks = tuple(
        FieldBlock(
            name=f"block{number}",
            shape=Shape.CIRCLE,
            half_width=RADIUS,
            half_height=RADIUS,
            origin=(left, 60.0),
            bubble_step=STEP,
            field_step=ROW,
            fields=tuple(f"q{number * ROWS + row + 1}" for row in range(ROWS)),
            values=tuple(values),
        )
        for number, left in enumerate(COLUMNS)
    )
    whole = Fiducial.model_validate({"kind": "whole_image"})
    frame = Frame(width=210.0, height=297.0, mm_per_unit=1)
    return Form(template=Template(name="drawn", frame=frame, fiducials=(whole,), blocks=blocks), pictures={})


def drawn(sheet: Form, *, ink: int = 150, marked: str | None = None) -> Gray:
    """Faint outlines with letters in them, bold numbers a pitch to the left, a mark in each row: `marked`, or one
    option after the other.
    """
    paper = np.full((round(297 * PX_PER_MM), round(210 * PX_PER_MM)), 255, np.uint8)
    options = len(sheet.fields[0].bubbles)
    for number, (x, y) in enumerate(sheet.centres * PX_PER_MM):
        row, option = divmod(number, options)
        cv2.circle(paper, (round(x), round(y)), round(RADIUS * PX_PER_MM), ink, 1, cv2.LINE_AA)
        letter = (round(x) - 4, round(y) + 4)
        cv2.putText(paper, "ABCDEF"[option], letter, cv2.FONT_HERSHEY_SIMPLEX, 0.35, ink, 1, cv2.LINE_AA)
        if option == 0:
            at = (round(x - STEP * PX_PER_MM) - 9, round(y) + 6)
            cv2.putText(paper, f"{row + 1}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 20, 2, cv2.LINE_AA)
        if "ABCDEF"[option] == (marked or "ABCDEF"[row * 7 % options]):
            cv2.circle(paper, (round(x), round(y)), round(0.9 * RADIUS * PX_PER_MM), 60, cv2.FILLED, cv2.LINE_AA)
    return paper


def error_mm(sheet: Form, found: np.ndarray, off_px: tuple[int, int] = (0, 0)) -> float:
    return float(np.hypot(*(found / PX_PER_MM - np.array(off_px) / PX_PER_MM - sheet.centres).T).max())


@pytest.mark.parametrize("step", [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1)])
def test_the_way_back_is_told_from_what_the_rims_look_like(step: tuple[int, int]):
    sheet = form()
    canvas = canvas_of(sheet.layout)
    ink = flattened(InkAtScale(drawn(sheet)), np.diag([PX_PER_MM, PX_PER_MM, 1.0]), canvas)
    off = np.array(step) * (STEP, ROW)
    right, wrong = canvas.points(sheet.centres), canvas.points(sheet.centres + off)
    assert slips_of(likeness_on(ink, right, sheet.layout, canvas), right, sheet.layout, canvas).lies_right
    best, gain = slips_of(likeness_on(ink, wrong, sheet.layout, canvas), wrong, sheet.layout, canvas).best
    assert best == (-step[0], -step[1])
    assert gain > CLEAR_DIFFERENCE


@pytest.mark.parametrize("off", [(1.0, 0.0), (0.0, -1.0), (0.0, 1.0)])
def test_a_page_that_lies_a_row_or_a_column_from_where_it_should_be_is_followed(off: tuple[float, float]):
    sheet = form()
    off_px = (round(off[0] * STEP * PX_PER_MM), round(off[1] * ROW * PX_PER_MM))
    page = np.roll(drawn(sheet), off_px[::-1], axis=(0, 1))
    assert error_mm(sheet, register(Page(1, page), sheet).positions, off_px) < 0.25 * RADIUS


def test_where_more_options_are_printed_than_the_form_has_it_stays_where_the_template_puts_it():
    sheet, printed = form("ABC"), drawn(form("ABCDEF"), ink=200, marked="D")
    off_px = (-round(0.3 * STEP * PX_PER_MM), 0)
    page = InkAtScale(np.roll(printed, off_px[::-1], axis=(0, 1)))
    start = np.diag([PX_PER_MM, PX_PER_MM, 1.0])
    fit = settled(Looking(page, sheet.layout, canvas_of(sheet.layout), response, 1.0), start)
    found = cv2.perspectiveTransform((sheet.centres + fit.local.at(sheet.centres))[None], fit.homography)[0]
    assert error_mm(sheet, found, off_px) < 0.25 * RADIUS


def fit(slips: dict[tuple[int, int], float]) -> Fit:
    """One on which everything agrees but, maybe, its rims."""
    ink, nowhere = np.zeros((1, 1), np.uint8), np.zeros((0, 2))
    return Fit(np.eye(3), ink, nowhere, NONE, nowhere, 0.1, 0.95, 0.9, 40, coverage=0.97, slips=Slips(slips))


def test_a_fit_that_would_be_better_a_row_further_is_not_believed():
    assert is_believed(fit({(0, 1): -0.3, (1, 0): -0.4}), "square:4")
    assert not is_believed(fit({(0, 1): 0.2, (1, 0): -0.4}), "square:4")


def test_what_was_only_searched_for_is_not_believed_where_its_rims_cannot_tell():
    assert is_believed(fit({(0, 1): -0.3, (1, 0): -0.4}), SEARCHED)
    assert is_believed(fit({(0, 1): 0.0, (1, 0): -0.4}), "square:4")
    assert not is_believed(fit({(0, 1): 0.0, (1, 0): -0.4}), SEARCHED)
