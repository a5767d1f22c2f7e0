"""Blocks of unequal sizes and pitches: each is found by its own, and one that may lie elsewhere is left to a person."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from jobs.omr.answers import read_sheet
from jobs.omr.form import Form
from jobs.omr.marks.classical import ClassicalEngine
from jobs.omr.marks.measuring import patches_of
from jobs.omr.page import Gray, Page
from jobs.omr.registration.candidate import Candidate
from jobs.omr.registration.evidence import InkAtScale
from jobs.omr.registration.refining import Fit
from jobs.omr.registration.register import register
from jobs.omr.registration.registered import Registered
from jobs.omr.registration.seating import canvas_for_units, seated
from jobs.omr.registration.seats import seats_of
from jobs.omr.registration.warp import smooth_warp
from pipeline.answer_sheets.template import Fiducial, FieldBlock, Frame, Shape, Template
from pipeline.contracts.omr import REVIEW_CONFIDENCE

PX_PER_MM = 5.0
ONTO_PAPER = np.diag([PX_PER_MM, PX_PER_MM, 1.0])
WHOLE = Candidate(ONTO_PAPER, "whole_image")
MARKS = {"TL": (12.0, 12.0), "TR": (136.0, 12.0), "BR": (136.0, 198.0), "BL": (12.0, 198.0)}
# Half width, half height, step across and down, origin, rows, options: large boxes, circles, and small ones that
# nearly touch.
BLOCKS = (
    ((4.0, 2.4), (9.8, 8.0), (25.0, 40.0), 14, "ABCD"),
    ((2.9, 2.9), (7.2, 10.5), (75.0, 40.0), 6, "ABCDE"),
    ((1.5, 1.5), (3.5, 3.6), (78.0, 115.0), 18, "ABCDE"),
)


def form() -> Form:
    blocks = tuple(
        FieldBlock(
            name=f"b{number}",
            shape=Shape.SQUARE if number == 0 else Shape.CIRCLE,
            half_width=half[0],
            half_height=half[1],
            origin=origin,
            bubble_step=step[0],
            field_step=step[1],
            fields=tuple(f"b{number}_{row}" for row in range(rows)),
            values=tuple(values),
        )
        for number, (half, step, origin, rows, values) in enumerate(BLOCKS)
    )
    fiducials = tuple(
        Fiducial.model_validate({"kind": "cross", "corner": corner, "at": at, "length": 8.0})
        for corner, at in MARKS.items()
    )
    frame = Frame(width=148.0, height=210.0, mm_per_unit=1)
    return Form(template=Template(name="drawn", frame=frame, fiducials=fiducials, blocks=blocks), pictures={})


def drawn(sheet: Form, *, ink: int = 165) -> Gray:
    """Outlines in faint ink, every seventh bubble marked."""
    paper = np.full((round(210 * PX_PER_MM), round(148 * PX_PER_MM)), 245, np.uint8)
    for x, y in MARKS.values():
        for dx, dy in ((4, 0), (0, 4)):
            a, b = (np.round(np.array([x + s * dx, y + s * dy]) * PX_PER_MM).astype(int).tolist() for s in (-1, 1))
            cv2.line(paper, a, b, 20, 3)
    for number, (centre, half) in enumerate(zip(sheet.centres, sheet.half_sizes, strict=True)):
        x, y = (round(float(value) * PX_PER_MM * 16) for value in centre)
        w, h = (round(float(value) * PX_PER_MM * 16) for value in half)
        if sheet.square[number]:
            cv2.rectangle(paper, (x - w, y - h), (x + w, y + h), ink, 1, cv2.LINE_AA, 4)
        else:
            cv2.circle(paper, (x, y), w, ink, 1, cv2.LINE_AA, 4)
        if number % 7 == 0:
            cv2.ellipse(paper, (x, y), (round(0.9 * w), round(0.9 * h)), 0, 0, 360, 70, cv2.FILLED, cv2.LINE_AA, 4)
    return paper


def furthest_off(sheet: Form, places: np.ndarray) -> float:
    """In half bubbles."""
    return float((np.abs(places / PX_PER_MM - sheet.centres) / sheet.half_sizes).max())


@pytest.fixture(scope="module")
def sheet() -> Form:
    return form()


@pytest.fixture(scope="module")
def found(sheet: Form) -> Registered:
    return register(Page(1, drawn(sheet)), sheet)


@pytest.fixture(scope="module")
def fit(sheet: Form) -> Fit:
    return seated(InkAtScale(drawn(sheet)), sheet.layout, ONTO_PAPER, candidate=WHOLE)


def boxes(sheet: Form) -> int:
    return next(number for number, unit in enumerate(sheet.layout.units) if unit.square)


def shifted(fit: Fit, sheet: Form, by: tuple[float, float]) -> Fit:
    """The fit with the block of boxes moved, in its pitches."""
    unit = sheet.layout.units[boxes(sheet)]
    off = fit.off.copy()
    off[unit.bubbles] += np.array(by) * unit.steps
    canvas = canvas_for_units(sheet.layout)
    return replace(fit, off=off, places=canvas.points(sheet.centres + off))


def test_fields_of_one_size_and_pitch_are_one_unit(sheet: Form):
    units = sheet.layout.units
    assert sorted(len(unit.bubbles) for unit in units) == sorted(rows * len(values) for *_, rows, values in BLOCKS)
    assert sum(len(tile) for unit in units for tile in unit.tiles) == len(sheet.centres)


@pytest.mark.parametrize("off", [(2.0, 0.0), (-1.5, 2.0)])
def test_each_block_is_found_by_its_own_size_and_pitch(sheet: Form, off: tuple[float, float]):
    page = InkAtScale(drawn(sheet))
    start = ONTO_PAPER @ np.array([[1, 0.004, off[0]], [0, 1, off[1]], [0, 0, 1]])
    fit = seated(page, sheet.layout, start, candidate=Candidate(start, "whole_image"))
    places = fit.homography @ np.vstack([(sheet.centres + fit.off).T, np.ones(len(sheet.centres))])
    assert furthest_off(sheet, (places[:2] / places[2]).T) < 0.25


@pytest.mark.parametrize("by", [(0.5, 0.0), (0.0, -0.5)])
def test_a_block_that_slipped_by_half_a_pitch_is_doubted(sheet: Form, fit: Fit, by: tuple[float, float]):
    canvas = canvas_for_units(sheet.layout)
    assert not any(seat.is_doubted for seat in seats_of(fit, WHOLE, sheet.layout, canvas))
    slipped = seats_of(shifted(fit, sheet, by), WHOLE, sheet.layout, canvas)
    assert slipped[boxes(sheet)].is_doubted


def test_answers_of_a_doubted_block_are_for_a_person(sheet: Form, found: Registered):
    doubted = np.char.startswith([field.name for field in sheet.fields], "b2_")[sheet.field_of_bubble]
    found = replace(found, doubted=doubted, blocks_doubted=1, block_residual_mm=1.5)
    reading = read_sheet(found, sheet, ClassicalEngine().judge(patches_of(found, sheet)), file="drawn", page=1)
    sure = {answer.question_id for answer in reading.answers if answer.confidence >= REVIEW_CONFIDENCE}
    assert not any(name.startswith("b2_") for name in sure)
    assert any(name.startswith("b1_") for name in sure)
    assert reading.registration is not None
    assert (reading.registration.blocks_doubted, reading.registration.block_residual_mm) == (1, 1.5)


def test_a_sheet_of_unequal_blocks_is_read_where_it_is_printed(sheet: Form, found: Registered):
    assert furthest_off(sheet, found.positions) < 0.3
    assert found.doubted is not None
    assert not found.doubted.any()


def test_marks_torn_by_noise_are_found(sheet: Form):
    paper = drawn(sheet, ink=90)
    pale = 200 - 0.5 * (245.0 - paper) + np.random.default_rng(1).normal(0, 50, paper.shape)
    found = register(Page(1, pale.clip(0, 255).astype(np.uint8)), sheet)
    assert found.method.startswith("cross")
    assert furthest_off(sheet, found.positions) < 0.4


def test_the_bend_of_a_page_is_what_most_blocks_agree_on():
    nodes = np.array([(x, y) for x in range(0, 200, 40) for y in range(0, 280, 40)], np.float64)
    steps = np.stack([0.01 * nodes[:, 0], 0.5 * (nodes[:, 0] / 100 - 1) ** 2], axis=1)
    steps[:3] += 5.0
    bend = smooth_warp(nodes, steps, np.ones(len(nodes)), pitch=8.0, points=nodes)
    assert np.abs(bend - steps)[3:].max() < 0.7
    assert np.abs(bend - steps)[:3].min() > 3.0
