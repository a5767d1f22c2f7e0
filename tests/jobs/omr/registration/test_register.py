"""Drawn pages whose true transform is known: every bubble is found in its place, and what is no such sheet refused."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.layout import moved
from jobs.omr.page import Gray, Page, PageRefused
from jobs.omr.pages.opening import open_pages
from jobs.omr.registration.register import register
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.answer_sheets.template import Fiducial, FieldBlock, Frame, Shape, Template
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

SETS = Path(__file__).parents[5] / "shared" / "omr"
WIDTH, HEIGHT = 210.0, 297.0
PX_PER_MM = 4.0
MARKS = {"TL": (12.0, 12.0), "TR": (198.0, 12.0), "BR": (198.0, 285.0), "BL": (12.0, 285.0)}


def form(*, rows: int = 20, step: float = 8.0, marks: dict[str, tuple[float, float]] = MARKS) -> Form:
    blocks = tuple(
        FieldBlock(
            name=f"block{block}",
            shape=Shape.CIRCLE,
            half_width=2.2,
            half_height=2.2,
            origin=(35.0 + 60 * block, 70.0),
            bubble_step=7.0,
            field_step=step,
            fields=tuple(f"q{block * rows + row + 1}" for row in range(rows)),
            values=tuple("ABCDE"),
        )
        for block in range(3)
    )
    fiducials = tuple(
        Fiducial.model_validate({"kind": "square", "corner": corner, "at": at, "length": 6.0})
        for corner, at in marks.items()
    )
    template = Template(
        name="drawn", frame=Frame(width=WIDTH, height=HEIGHT, mm_per_unit=1), fiducials=fiducials, blocks=blocks
    )
    return Form(template=template, pictures={})


def drawn(sheet: Form, *, without: str = "") -> Gray:
    """The sheet at PX_PER_MM, with every seventh bubble marked."""
    paper = np.full((round(HEIGHT * PX_PER_MM), round(WIDTH * PX_PER_MM)), 255, np.uint8)
    for corner, (x, y) in MARKS.items():
        if corner != without:
            a, b = (np.round((np.array([x, y]) + off) * PX_PER_MM).astype(int).tolist() for off in (-3, 3))
            cv2.rectangle(paper, a, b, 0, cv2.FILLED)
    cv2.putText(paper, "Answer sheet", (200, 160), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 3)
    for number, (x, y) in enumerate(sheet.centres * PX_PER_MM):
        centre = (round(x * 16), round(y * 16))
        cv2.circle(paper, centre, round(2.2 * PX_PER_MM * 16), 60, 1, cv2.LINE_AA, 4)
        if number % 7 == 0:
            cv2.circle(paper, centre, round(2.0 * PX_PER_MM * 16), 70, cv2.FILLED, cv2.LINE_AA, 4)
    return paper


def error_mm(found: Registered, sheet: Form, truth: NDArray[np.float64]) -> float:
    """The furthest bubble off; `truth` maps millimetres to pixels of the page as it was given."""
    wanted = moved(truth, sheet.centres)
    height, width = found.gray.shape
    for turns in range(found.quarter_turns):
        size = (width, height) if (found.quarter_turns - turns) % 2 else (height, width)
        wanted = np.stack([wanted[:, 1], size[0] - 1 - wanted[:, 0]], axis=1)
    return float(np.hypot(*(found.positions - wanted).T).max() / found.px_per_unit)


def onto_paper() -> NDArray[np.float64]:
    return np.diag([PX_PER_MM, PX_PER_MM, 1.0])


@cache
def clean() -> tuple[Form, Gray]:
    sheet = form()
    return sheet, drawn(sheet)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_page_in_any_of_four_orientations_is_turned_upright(turns: int):
    sheet, paper = clean()
    found = register(Page(1, np.ascontiguousarray(np.rot90(paper, turns))), sheet)
    assert found.gray.shape == paper.shape
    assert np.hypot(*(found.positions - sheet.centres * PX_PER_MM).T).max() < 0.2 * 2.2 * PX_PER_MM
    assert (found.quarter_turns + turns) % 4 == 0


@pytest.mark.parametrize(
    ("angle", "scale", "tilt"), [(3.0, 1.0, 0.0), (-7.0, 0.6, 0.0), (2.0, 0.8, 2e-4), (0.5, 1.9, 0.0)]
)
def test_skew_resolution_and_perspective_move_no_bubble_off(angle: float, scale: float, tilt: float):
    sheet, paper = clean()
    height, width = paper.shape
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale), [0, 0, 1]])
    turn[:2, 2] += (scale - 1) * np.array([width, height]) / 2 + 40
    bent = np.array([[1, 0, 0], [0, 1, 0], [tilt, tilt / 2, 1]]) @ turn
    size = (int(width * scale) + 80, int(height * scale) + 80)
    page = cv2.warpPerspective(paper, bent, size, flags=cv2.INTER_AREA, borderValue=255)
    found = register(Page(1, np.asarray(page, np.uint8)), sheet)
    assert error_mm(found, sheet, bent @ onto_paper()) < 0.2 * 2.2
    assert found.residual_mm < 0.3


@pytest.mark.parametrize("without", ["TL", "BR"])
def test_three_of_four_corner_marks_suffice(without: str):
    sheet, _ = clean()
    page = np.roll(drawn(sheet, without=without), (25, -18), axis=(0, 1))
    found = register(Page(1, page), sheet)
    assert found.method == "square:3"
    moved_by = np.array([[1, 0, -18], [0, 1, 25], [0, 0, 1]], np.float64)
    assert error_mm(found, sheet, moved_by @ onto_paper()) < 0.2 * 2.2


def test_a_curled_page_is_followed_bubble_by_bubble():
    sheet, paper = clean()
    height, width = paper.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    wave = 7 * np.sin(np.pi * x / width)
    curled = cv2.remap(paper, x, y + wave, cv2.INTER_LINEAR, borderValue=255)
    found = register(Page(1, np.asarray(curled, np.uint8)), sheet)
    wanted = sheet.centres * PX_PER_MM
    wanted[:, 1] -= 7 * np.sin(np.pi * wanted[:, 0] / width)
    assert np.hypot(*(found.positions - wanted).T).max() < 0.2 * 2.2 * PX_PER_MM


def test_a_photo_in_uneven_light_on_a_dark_desk_is_found_by_its_edge():
    sheet = form(marks={})
    paper = drawn(form(), without="")
    corners = np.array([(90, 60), (880, 130), (850, 1180), (40, 1120)], np.float32)
    whole = np.array([(0, 0), (paper.shape[1], 0), (paper.shape[1], paper.shape[0]), (0, paper.shape[0])], np.float32)
    truth = cv2.getPerspectiveTransform(whole, corners)
    photo = cv2.warpPerspective(paper, truth, (960, 1280), flags=cv2.INTER_AREA, borderValue=30).astype(np.float64)
    photo *= np.linspace(1.0, 0.55, 960)[None]
    found = register(Page(1, photo.astype(np.uint8)), sheet)
    assert found.mode == "photo"
    assert error_mm(found, sheet, np.asarray(truth, np.float64) @ onto_paper()) < 0.2 * 2.2


def test_with_no_marks_and_no_edge_the_bubbles_themselves_are_found():
    sheet = form(marks={})
    paper = drawn(sheet)[180:1000, 90:]
    found = register(Page(1, np.ascontiguousarray(paper)), sheet)
    moved_by = np.array([[1, 0, -90], [0, 1, -180], [0, 0, 1]], np.float64)
    assert error_mm(found, sheet, moved_by @ onto_paper()) < 0.2 * 2.2


def test_the_local_field_maps_other_points_like_the_bubbles():
    sheet, paper = clean()
    found = register(Page(1, paper), sheet)
    assert np.allclose(found.to_page(sheet.centres), found.positions, atol=0.01)


def test_an_empty_page_is_refused():
    sheet, paper = clean()
    with pytest.raises(PageRefused) as refused:
        register(Page(1, np.full_like(paper, 250)), sheet)
    assert refused.value.reason is Reason.PAGE_NOT_REGISTERED


def test_a_sheet_of_another_form_is_refused_with_what_was_measured():
    other = form(rows=14, step=10.7)
    with pytest.raises(PageRefused, match=r"agreement .* residual .* mm") as refused:
        register(Page(1, clean()[1]), other)
    assert refused.value.reason is Reason.PAGE_NOT_REGISTERED


@pytest.mark.skipif(not SETS.exists(), reason="the real sheets are not here")
@pytest.mark.parametrize("name", ["rexams-nops", "oc-papersurvey-phone", "oc-nus-studentid", "oc-technothlon-phone"])
def test_real_sheets_are_found_to_a_fraction_of_a_bubble(name: str):
    opened = open_template(SETS / name / "template.json")
    pictures = {key: np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) for key, path in opened.pictures.items()}
    sheet = Form(template=opened.template, pictures=pictures)
    first = min((SETS / name / "images").iterdir())
    page = next(open_pages(first, OmrLimits()))
    assert isinstance(page, Page)
    found = register(page, sheet)
    assert found.quarter_turns == 0
    assert found.residual_mm < 0.2 * sheet.layout.radius * sheet.mm_per_unit
