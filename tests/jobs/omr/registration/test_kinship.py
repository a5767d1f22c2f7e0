"""A sheet read with another's template: where rows lie alike and columns are stretched, the fit itself is good."""

from pathlib import Path

import numpy as np
import pytest

from jobs.omr.form import Form
from jobs.omr.page import Page, PageRefused
from jobs.omr.pages.opening import open_pages
from jobs.omr.registration.canvas import canvas_of, flattened
from jobs.omr.registration.evidence import InkAtScale
from jobs.omr.registration.kinship import LEAST_STANDING_OUT, standing_out
from jobs.omr.registration.likeness import likeness_on
from jobs.omr.registration.register import register
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.answer_sheets.template import Fiducial, FieldBlock, Frame, Shape, Template
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason
from tests.jobs.omr.registration.test_slips import PX_PER_MM, RADIUS, drawn

SETS = Path(__file__).parents[5] / "shared" / "omr"
ROWS = 20


def form(*, blocks: int, values: str, step: float, between: float) -> Form:
    """`blocks` of ROWS questions side by side, with bubbles `step` and blocks `between` apart, from the same corner."""
    fields = tuple(
        FieldBlock(
            name=f"block{number}",
            shape=Shape.CIRCLE,
            half_width=RADIUS,
            half_height=RADIUS,
            origin=(24.0 + between * number, 60.0),
            bubble_step=step,
            field_step=8.0,
            fields=tuple(f"q{number * ROWS + row + 1}" for row in range(ROWS)),
            values=tuple(values),
        )
        for number in range(blocks)
    )
    whole = Fiducial.model_validate({"kind": "whole_image"})
    frame = Frame(width=210.0, height=297.0, mm_per_unit=1)
    return Form(template=Template(name="drawn", frame=frame, fiducials=(whole,), blocks=fields), pictures={})


FIVE_OF_FOUR = form(blocks=5, values="ABCD", step=6.5, between=36.0)
THREE_OF_FIVE = form(blocks=3, values="ABCDE", step=9.0, between=62.0)


def share_of(printed: Form, taken_for: Form) -> float:
    """Of a sheet of one form on which the bubbles of another lie where that form has them."""
    canvas = canvas_of(taken_for.layout)
    ink = flattened(InkAtScale(drawn(printed)), np.diag([PX_PER_MM, PX_PER_MM, 1.0]), canvas)
    places = canvas.points(taken_for.centres)
    return standing_out(likeness_on(ink, places, taken_for.layout, canvas), places, taken_for.layout, canvas)


@pytest.mark.parametrize("own", [FIVE_OF_FOUR, THREE_OF_FIVE], ids=["five of four", "three of five"])
def test_a_sheets_own_bubbles_stand_out_from_what_is_beside_them(own: Form):
    assert share_of(own, own) > 0.95


@pytest.mark.parametrize(
    ("printed", "taken_for"),
    [(FIVE_OF_FOUR, THREE_OF_FIVE), (THREE_OF_FIVE, FIVE_OF_FOUR)],
    ids=["three of five on five of four", "five of four on three of five"],
)
def test_another_forms_columns_do_not(printed: Form, taken_for: Form):
    assert share_of(printed, taken_for) < LEAST_STANDING_OUT


def test_a_page_that_holds_only_a_few_rows_is_not_doubted():
    sheet = FIVE_OF_FOUR
    page = np.full_like(drawn(sheet), 255)
    page[:420] = drawn(sheet)[:420]
    canvas = canvas_of(sheet.layout)
    ink = flattened(InkAtScale(page), np.diag([PX_PER_MM, PX_PER_MM, 1.0]), canvas)
    places = canvas.points(sheet.centres)
    assert standing_out(likeness_on(ink, places, sheet.layout, canvas), places, sheet.layout, canvas) > 0.95


@pytest.mark.skipif(not SETS.exists(), reason="the real sheets are not here")
def test_a_real_sheet_is_refused_under_the_template_of_another_with_the_same_rows():
    opened = open_template(SETS / "oc-waec-blank" / "template.json")
    page = next(open_pages(next((SETS / "oc-college-100q" / "images").iterdir()), OmrLimits()))
    assert isinstance(page, Page)
    with pytest.raises(PageRefused, match="stand out") as refused:
        register(page, Form(template=opened.template, pictures={}))
    assert refused.value.reason is Reason.TEMPLATE_MISMATCH
