"""Sheets drawn in the test are read back exactly, whatever they are printed like."""

import numpy as np
import pytest

from jobs.omr.answers import read_sheet
from jobs.omr.marks.classical import ClassicalEngine
from jobs.omr.marks.measuring import patches_of
from pipeline.answer_sheets.template import MarkRules, Meaning
from pipeline.contracts.omr import AnswerStatus, Marking, SheetReading
from tests.jobs.omr.marks.drawn import (
    STYLES,
    VALUES,
    Style,
    answers_drawn,
    form_of,
    mark,
    printed,
    registered,
    scanned,
    shifted,
)

Drawn = dict[str, tuple[str, ...]]


def read(page: np.ndarray, rules: MarkRules | None = None, style: Style | None = None, seed: int = 0) -> SheetReading:
    form = form_of(style or Style(), rules)
    found = shifted(registered(scanned(page, seed), form), 1.5, seed)
    return read_sheet(found, form, ClassicalEngine().judge(patches_of(found, form)), file="drawn", page=1)


def detected(reading: SheetReading) -> Drawn:
    return {answer.question_id: answer.detected for answer in reading.answers}


def random_answers(seed: int) -> Drawn:
    """Mostly one mark, some blank, a few with two, in the template's order."""
    rng = np.random.default_rng(seed)
    counts = rng.choice(3, size=20, p=[0.15, 0.8, 0.05])
    return {
        f"q{number}": tuple(sorted(rng.choice(VALUES, size=count, replace=False)))
        for number, count in enumerate(counts, 1)
    }


def random_number(seed: int) -> str:
    return "".join(np.random.default_rng([seed, 9]).choice(list("0123456789"), size=6))


@pytest.mark.parametrize("style", STYLES, ids=lambda name: name)
@pytest.mark.parametrize("seed", range(3))
def test_a_filled_sheet_is_read_back_exactly(style: str, seed: int) -> None:
    form, answers, number = form_of(STYLES[style]), random_answers(seed), random_number(seed)
    page = printed(form, STYLES[style])
    answers_drawn(page, form, answers, seed=seed)
    answers_drawn(page, form, {f"n{place}": (digit,) for place, digit in enumerate(number)}, seed=seed)
    reading = read(page, style=STYLES[style], seed=seed)
    assert detected(reading) == answers
    assert reading.identifier is not None
    assert reading.identifier.value == number


@pytest.mark.parametrize("ink", [40, 110, 160])
def test_marks_are_told_from_print_however_dark_the_pencil_is(ink: int) -> None:
    form, answers = form_of(Style()), random_answers(ink)
    page = printed(form, Style())
    answers_drawn(page, form, answers, ink=ink)
    assert detected(read(page)) == answers


@pytest.mark.parametrize("style", STYLES, ids=lambda name: name)
def test_a_blank_sheet_is_blank_everywhere_and_surely_so(style: str) -> None:
    for seed in range(2):
        reading = read(printed(form_of(STYLES[style]), STYLES[style]), style=STYLES[style], seed=seed)
        assert {answer.marking for answer in reading.answers} == {Marking.BLANK}
        assert {answer.status for answer in reading.answers} == {AnswerStatus.BLANK}
        assert reading.identifier is not None
        assert reading.identifier.value is None
        assert reading.identifier.status is not AnswerStatus.AMBIGUOUS


def test_a_sheet_without_print_or_marks_is_blank() -> None:
    page = np.full((1020, 720), 240, dtype=np.uint8)
    assert set(detected(read(page)).values()) == {()}


@pytest.mark.parametrize("ink", [70, 160])
def test_one_option_marked_all_the_way_down_is_not_taken_for_print(ink: int) -> None:
    form = form_of(Style())
    answers: Drawn = {f"q{number}": ("A",) for number in range(1, 21)}
    page = printed(form, Style())
    answers_drawn(page, form, answers, ink=ink)
    assert detected(read(page)) == answers


def test_where_a_cross_marks_a_full_box_cancels() -> None:
    style, rules = STYLES["boxes"], MarkRules(filled=Meaning.UNMARKED)
    form = form_of(style, rules)
    page = printed(form, style)
    answers_drawn(page, form, {f"q{number}": ("B",) for number in range(1, 21)}, kind="cross", ink=30)
    mark(page, form, "box", at=("q3", "D"), ink=30)
    mark(page, form, "box", at=("q9", "A"), ink=30)
    assert detected(read(page, rules, style)) == {f"q{number}": ("B",) for number in range(1, 21)}


def test_crosses_and_ticks_mark_where_the_template_does_not_say_otherwise() -> None:
    style = STYLES["boxes"]
    form = form_of(style)
    for kind in ("cross", "tick"):
        page = printed(form, style)
        answers = {name: values[:1] for name, values in random_answers(7).items()}
        answers_drawn(page, form, answers, kind=kind, ink=30)
        assert detected(read(page, style=style)) == answers


def test_a_changed_answer_is_the_one_that_was_not_rubbed_out() -> None:
    form, answers = form_of(Style()), {f"q{number}": ("C",) for number in range(1, 21)}
    page = printed(form, Style())
    answers_drawn(page, form, answers)
    for number in (2, 11):
        mark(page, form, "erased", at=(f"q{number}", "A"))
    assert detected(read(page)) == answers


def test_an_answer_struck_out_beside_another_does_not_count() -> None:
    form, answers = form_of(Style()), {f"q{number}": ("D",) for number in range(1, 21)}
    page = printed(form, Style())
    answers_drawn(page, form, answers)
    mark(page, form, "struck out", at=("q5", "B"))
    reading = read(page)
    answer = next(answer for answer in reading.answers if answer.question_id == "q5")
    assert answer.detected == ("D",) or answer.confidence < 0.7


def test_two_marks_in_a_digit_make_no_longer_number() -> None:
    form = form_of(Style())
    page = printed(form, Style())
    answers_drawn(page, form, {f"n{place}": (str(place),) for place in range(6)})
    mark(page, form, "fill", at=("n2", "7"))
    student = read(page).identifier
    assert student is not None
    assert (student.value, student.status) == (None, AnswerStatus.AMBIGUOUS)


def test_red_print_drops_out_and_the_pencil_stays() -> None:
    style = Style(line_px=5, ink=0)
    form, answers = form_of(style), random_answers(3)
    ink = 255 - printed(form, style)
    colour = np.stack([255 - (ink * 0.9).astype(np.uint8), 255 - (ink * 0.9).astype(np.uint8), 255 - ink // 20], axis=2)
    for channel in range(3):
        plane = np.ascontiguousarray(colour[:, :, channel])
        answers_drawn(plane, form, answers, ink=150)
        colour[:, :, channel] = plane
    gray = (colour @ np.array([0.114, 0.587, 0.299])).astype(np.uint8)
    found = registered(gray, form, colour)
    patches = patches_of(found, form)
    assert patches.own_print.min() > 200
    reading = read_sheet(found, form, ClassicalEngine().judge(patches), file="drawn", page=1)
    assert detected(reading) == answers
