"""Fields as read become answers and identifiers in the words of version 1."""

from functools import partial

import pytest

from jobs.omr.answers import answer_of, identifier_of, review_reasons
from jobs.omr.marks.fields import FieldMarks
from pipeline.answer_sheets.template import FieldKind, Output, OutputKind
from pipeline.contracts.omr import Answer, AnswerStatus, Identifier, Marking, ReviewReason

QUESTION = Output(name="q1", fields=("q1",))


def marks(
    *values: str,
    kind: FieldKind = FieldKind.CHOICE,
    options: str = "ABC",
    confidence: float = 1.0,
    whole: bool = True,
) -> FieldMarks:
    return FieldMarks(kind, tuple(options), values, confidence, whole)


def digits(*columns: str) -> list[FieldMarks]:
    """A column for each text, a mark for each character of it."""
    return [marks(*column, kind=FieldKind.DIGIT) for column in columns]


def number(*parts: FieldMarks, length: int | None = None) -> Identifier:
    names = tuple(f"n{place}" for place in range(len(parts)))
    return identifier_of(Output(name="id", kind=OutputKind.IDENTIFIER, fields=names, length=length), parts)


@pytest.mark.parametrize(
    ("values", "confidence", "marking", "status"),
    [
        ((), 0.99, Marking.BLANK, AnswerStatus.BLANK),
        ((), 0.69, Marking.BLANK, AnswerStatus.LOW_CONFIDENCE),
        (("A",), 0.99, Marking.SINGLE, AnswerStatus.OK),
        (("A",), 0.70, Marking.SINGLE, AnswerStatus.OK),
        (("A",), 0.69, Marking.SINGLE, AnswerStatus.LOW_CONFIDENCE),
        (("A", "C"), 0.99, Marking.MULTI, AnswerStatus.AMBIGUOUS),
        (("A", "C"), 0.69, Marking.MULTI, AnswerStatus.LOW_CONFIDENCE),
    ],
)
def test_marking_says_how_many_and_status_how_sure(
    values: tuple[str, ...], confidence: float, marking: Marking, status: AnswerStatus
) -> None:
    answer = answer_of(QUESTION, [marks(*values, confidence=confidence)])
    assert (answer.detected, answer.marking, answer.status) == (values, marking, status)


def test_an_answer_off_the_page_is_an_error_whatever_was_read() -> None:
    answer = answer_of(QUESTION, [marks("A", whole=False)])
    assert (answer.status, answer.confidence) == (AnswerStatus.ERROR, 0)


def test_a_number_in_several_columns_is_one_value() -> None:
    question = Output(name="q7", fields=("tens", "ones"))
    assert answer_of(question, digits("5", "2")).detected == ("52",)
    assert answer_of(question, digits("", "7")).detected == ("7",)
    assert answer_of(question, digits("", "")).marking is Marking.BLANK


def test_a_number_with_two_marks_in_a_column_names_every_value_it_can_be() -> None:
    answer = answer_of(Output(name="q7", fields=("tens", "ones")), digits("5", "28"))
    assert (answer.detected, answer.status) == (("52", "58"), AnswerStatus.AMBIGUOUS)


@pytest.mark.parametrize("columns", [("1", "23", "4"), ("12", "", ""), ("1", "", "4")])
def test_a_digit_with_two_marks_or_none_between_others_leaves_no_number(columns: tuple[str, ...]) -> None:
    read = number(*digits(*columns))
    assert (read.value, read.status) == (None, AnswerStatus.AMBIGUOUS)


def test_a_number_may_be_shorter_than_its_columns_unless_its_length_is_known() -> None:
    assert number(*digits("1", "2", "")).value == "12"
    assert number(*digits("", "1", "2")).value == "12"
    short = number(*digits("1", "2", ""), length=3)
    assert (short.value, short.status) == (None, AnswerStatus.AMBIGUOUS)


def test_a_name_has_spaces_where_it_is_blank_between_letters() -> None:
    letters = [marks(*letter, kind=FieldKind.LETTER) for letter in ("", "A", "", "B", "", "")]
    assert number(*letters).value == "A B"


def test_a_check_letter_may_stand_in_either_of_two_columns() -> None:
    start = [marks("HT"), *digits("1", "2")]
    for kind in (FieldKind.LETTER, FieldKind.CHOICE):
        first, second = (partial(marks, kind=kind, options=letters) for letters in ("ABE", "WXY"))
        assert number(*start, first("A"), second()).value == "HT12A"
        assert number(*start, first(), second("Y")).value == "HT12Y"
        assert number(*start, first("A"), second("Y")).value == "HT12AY"


def test_an_unmarked_identifier_is_blank_and_one_in_doubt_says_so() -> None:
    assert number(*digits("", "")).status is AnswerStatus.BLANK
    doubtful = number(
        marks("1", kind=FieldKind.DIGIT, confidence=0.8), marks("2", kind=FieldKind.DIGIT, confidence=0.8)
    )
    assert (doubtful.value, doubtful.status, doubtful.confidence) == ("12", AnswerStatus.LOW_CONFIDENCE, 0.64)


def answer(marking: Marking, status: AnswerStatus, confidence: float) -> Answer:
    return Answer(question_id="q1", detected=(), marking=marking, confidence=confidence, status=status)


def test_review_reasons_name_each_cause_once() -> None:
    fine = answer(Marking.SINGLE, AnswerStatus.OK, 0.99)
    blank = answer(Marking.BLANK, AnswerStatus.BLANK, 0.99)
    doubtful = answer(Marking.SINGLE, AnswerStatus.LOW_CONFIDENCE, 0.6)
    student = Identifier(name="student", value="12", confidence=1, status=AnswerStatus.OK)
    unread = Identifier(name="student", value=None, confidence=1, status=AnswerStatus.BLANK)
    assert review_reasons([fine], student, []) == ()
    assert review_reasons([fine, blank], student, []) == (
        ReviewReason.ANSWER_STATUS_NOT_OK,
        ReviewReason.ANSWER_BLANK_OR_MULTI,
    )
    assert review_reasons([doubtful, doubtful], student, []) == (
        ReviewReason.ANSWER_STATUS_NOT_OK,
        ReviewReason.ANSWER_LOW_CONFIDENCE,
    )
    assert review_reasons([fine], unread, []) == (ReviewReason.IDENTIFIER_NOT_OK,)


def test_other_identifiers_may_be_blank_but_not_wrong() -> None:
    fine = answer(Marking.SINGLE, AnswerStatus.OK, 0.99)
    blank = Identifier(name="name", value=None, confidence=1, status=AnswerStatus.BLANK)
    twice = Identifier(name="name", value=None, confidence=1, status=AnswerStatus.AMBIGUOUS)
    assert review_reasons([fine], None, [blank]) == ()
    assert review_reasons([fine], None, [blank, twice]) == (ReviewReason.IDENTIFIER_NOT_OK,)
