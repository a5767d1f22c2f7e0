"""A form that looks the same upside down: the numbers of its rows tell, else what is declared, else a person."""

import numpy as np
import pytest

from jobs.omr.answers import read_sheet
from jobs.omr.form import Form
from jobs.omr.marks.classical import ClassicalEngine
from jobs.omr.marks.measuring import patches_of
from jobs.omr.page import Gray, Page
from jobs.omr.registration.register import register
from pipeline.contracts.omr import REVIEW_CONFIDENCE
from tests.jobs.omr.registration.test_slips import COLUMNS, PX_PER_MM, RADIUS, ROW, STEP, drawn, form

OFF_PX = (round(0.4 * STEP * PX_PER_MM), round(1.6 * ROW * PX_PER_MM))


def without_numbers(sheet: Form) -> Gray:
    page = drawn(sheet)
    for left in COLUMNS:
        x0, x1 = (round((left + off) * PX_PER_MM) for off in (-STEP - 4, -RADIUS - 1))
        page[:, x0:x1] = 255
    return page


def lying_off(page: Gray) -> Gray:
    """More than a row from where the template has it."""
    return np.roll(page, OFF_PX[::-1], axis=(0, 1))


def right_to_left(sheet: Form) -> Form:
    """The same form as people print it who read from the right: options in falling order."""
    blocks = tuple(block.model_copy(update={"values": block.values[::-1]}) for block in sheet.template.blocks)
    return Form(sheet.template.model_copy(update={"blocks": blocks}), {})


@pytest.mark.parametrize("half_turns", [0, 1])
def test_the_numbers_of_the_rows_tell_which_way_up_it_lies(half_turns: int):
    sheet = form()
    found = register(Page(1, np.ascontiguousarray(np.rot90(lying_off(drawn(sheet)), 2 * half_turns))), sheet)
    assert found.quarter_turns == 2 * half_turns
    assert np.hypot(*(found.positions - sheet.centres * PX_PER_MM - OFF_PX).T).max() < 0.25 * RADIUS * PX_PER_MM
    assert not found.undecided


def test_where_options_run_from_right_to_left_numbers_stand_on_the_right():
    sheet = right_to_left(form())
    mirrored = drawn(form())[:, ::-1]
    beyond = round((210 - 2 * COLUMNS[0] - (COLUMNS[-1] - COLUMNS[0]) - 3 * STEP) * PX_PER_MM)
    found = register(Page(1, lying_off(np.roll(mirrored, -beyond, axis=1))), sheet)
    assert (found.quarter_turns, found.undecided) == (0, False)


def test_where_nothing_tells_every_answer_is_left_to_a_person():
    sheet = form()
    found = register(Page(1, lying_off(without_numbers(sheet))), sheet)
    states = ClassicalEngine().judge(patches_of(found, sheet))
    answers = read_sheet(found, sheet, states, file="drawn", page=1).answers
    assert found.undecided
    assert all(answer.confidence < REVIEW_CONFIDENCE for answer in answers)


def test_a_frame_that_is_not_in_the_forms_middle_tells():
    sheet = form()
    frame = sheet.template.frame.model_copy(update={"height": 260.0})
    cut = Form(sheet.template.model_copy(update={"frame": frame}), {})
    page = without_numbers(sheet)[: round(260 * PX_PER_MM)]
    found = register(Page(1, np.ascontiguousarray(page)), cut)
    assert (found.quarter_turns, found.undecided) == (0, False)
