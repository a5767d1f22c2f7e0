"""A set's figures are those of its readings against its truth."""

import json
from pathlib import Path

import pytest

from jobs.omr.evaluating.comparing import SheetScore, Verdict, compared
from jobs.omr.evaluating.totals import totals
from jobs.omr.evaluating.truth import SheetTruth, load_truth
from pipeline.contracts.omr import Answer, AnswerStatus, Identifier, Marking, SheetReading
from pipeline.errors import Invalid
from pipeline.reasons import Reason


def answer(name: str, *values: str, confidence: float = 0.99) -> Answer:
    marking = (Marking.BLANK, Marking.SINGLE, Marking.MULTI)[min(len(values), 2)]
    status = AnswerStatus.OK if confidence >= 0.7 else AnswerStatus.LOW_CONFIDENCE
    return Answer(question_id=name, detected=values, marking=marking, confidence=confidence, status=status)


def identifier(value: str | None, status: AnswerStatus = AnswerStatus.OK) -> Identifier:
    return Identifier(name="roll", value=value, confidence=0.9, status=status)


def reading(*answers: Answer, roll: Identifier | None = None) -> SheetReading:
    return SheetReading(file="1.png", page=1, state="read", answers=answers, identifier=roll)


def score(read: SheetReading, **truth: tuple[str, ...]) -> SheetScore:
    return compared(read, SheetTruth(file="1.png", answers=truth))


def test_an_answer_is_right_with_exactly_the_true_values_in_any_order() -> None:
    found = score(reading(answer("Q1", "B", "A"), answer("q2", "A")), q1=("A", "B"), q2=("A", "B"))
    assert [each.verdict for each in found.answers] == [Verdict.RIGHT, Verdict.WRONG]


def test_an_error_that_the_reader_was_unsure_of_is_flagged() -> None:
    found = score(reading(answer("q1", "B", confidence=0.6)), q1=("A",))
    assert [each.verdict for each in found.answers] == [Verdict.FLAGGED]


def test_a_question_that_the_template_does_not_have_is_an_error() -> None:
    assert score(reading(), q1=("A",)).answers[0].verdict is Verdict.WRONG


def test_all_of_a_refused_sheet_is_flagged() -> None:
    refused = SheetReading(file="1.png", page=1, state="refused", reason=Reason.PAGE_NOT_REGISTERED)
    found = score(refused, q1=("A",), q2=())
    assert [each.verdict for each in found.answers] == [Verdict.FLAGGED, Verdict.FLAGGED]


@pytest.mark.parametrize(
    ("roll", "verdict"),
    [
        (identifier("12"), Verdict.RIGHT),
        (identifier("13"), Verdict.WRONG),
        (identifier(None, AnswerStatus.AMBIGUOUS), Verdict.FLAGGED),
        (identifier("13", AnswerStatus.LOW_CONFIDENCE), Verdict.FLAGGED),
        (identifier(None, AnswerStatus.BLANK), Verdict.WRONG),
    ],
)
def test_identifiers_are_right_or_flagged_or_wrong(roll: Identifier, verdict: Verdict) -> None:
    found = compared(reading(roll=roll), SheetTruth(file="1.png", answers={}, identifiers={"roll": "12"}))
    assert found.identifiers[0].verdict is verdict
    assert found.without_error is (verdict is not Verdict.WRONG)


def test_what_people_cannot_tell_counts_nowhere_else() -> None:
    truth = SheetTruth(file="1.png", answers={"q1": ("A",), "q2": ()}, ambiguous=frozenset({"q1"}))
    found = totals("drawn", "classical", [compared(reading(answer("q1", "B"), answer("q2")), truth)], seconds=2)
    assert (found.questions, found.questions_right, found.unflagged_errors) == (1, 1, 0)
    assert (found.ambiguous, found.ambiguous_as_in_truth) == (1, 0)
    assert found.sheets_without_error == 1


def test_the_figures_add_up_over_sheets() -> None:
    sheets = [
        score(reading(answer("q1", "A"), answer("q2", "A"), answer("q3", confidence=0.5)), q1=("A",), q2=(), q3=()),
        score(reading(answer("q1", "B"), answer("q2"), answer("q3", "C", confidence=0.5)), q1=("B",), q2=(), q3=("A",)),
    ]
    found = totals("drawn", "classical", sheets, seconds=0.5)
    assert (found.questions, found.questions_right, found.sheets_without_error) == (6, 4, 0)
    assert (found.blank_rows, found.blank_rows_read_as_marked) == (3, 1)
    assert (found.unflagged_errors, found.doubted) == (1, 2)
    assert found.sheets_per_second == 4


def test_a_truth_that_says_something_else_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        load_truth(tmp_path)
    (tmp_path / "ground_truth.json").write_text('{"sheets": [{"answers": {}}]}')
    with pytest.raises(Invalid, match="truth_invalid"):
        load_truth(tmp_path)


def test_a_truth_keeps_pages_and_ambiguous_entries(tmp_path: Path) -> None:
    sheet = {"file": "images/1.png", "answers": {"q97": ["A"]}, "ambiguous": {"q97": "half"}, "page": 2, "pen": "blue"}
    (tmp_path / "ground_truth.json").write_text(json.dumps({"sheets": [sheet]}))
    [truth] = load_truth(tmp_path)
    assert (truth.page, truth.ambiguous) == (2, frozenset({"q97"}))
    assert truth.answers == {"q97": ("A",)}
