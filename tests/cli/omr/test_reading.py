"""What was read, in a line, a table and a spreadsheet."""

import csv
import io
from typing import Any

from cli.omr import csv_rows, marks_shown


def answer(question: str, *detected: str, confidence: float = 0.99, status: str | None = None) -> dict[str, Any]:
    marking = ("blank", "single")[len(detected)] if len(detected) < 2 else "multi"
    usual = {"blank": "blank", "single": "ok", "multi": "ambiguous"}[marking]
    return {
        "question_id": question,
        "detected": detected,
        "marking": marking,
        "confidence": confidence,
        "status": status or usual,
    }


def reading(*answers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "file": "scan.pdf",
        "page": 1,
        "state": "read",
        "reason": None,
        "detail": "",
        "answers": answers,
        "identifier": {"name": "student_number", "value": "12345678", "confidence": 1.0, "status": "ok"},
        "review_reasons": [],
    } | changes


REFUSED = reading(state="refused", reason="PAGE_NOT_REGISTERED", detail="no corner marks", identifier=None)


def test_answers_stand_in_groups_of_five_with_signs_for_none_and_for_several():
    answers = [answer(f"q{number}", "ABCDE"[number % 5]) for number in range(7)]
    assert marks_shown.answers_line([*answers, answer("q8"), answer("q9", "A", "C")]) == "ABCDE AB·*"


def test_answers_in_words_are_counted():
    assert marks_shown.answers_line([answer("age", "25-29"), answer("music")]) == "1 of 2 answered"


def test_what_to_review_names_the_questions_and_the_number():
    doubtful = reading(
        answer("q1", "A"),
        answer("q2"),
        answer("q3", "A", "B"),
        answer("q4", "A", confidence=0.5, status="low_confidence"),
        review_reasons=["ANSWER_STATUS_NOT_OK", "IDENTIFIER_NOT_OK"],
    )
    assert marks_shown.to_review(doubtful) == "student number; blank q2; ambiguous q3; low confidence q4"
    many = reading(*(answer(f"q{number}") for number in range(20)), review_reasons=["ANSWER_BLANK_OR_MULTI"])
    assert marks_shown.to_review(many) == "blank q0, q1, q2, q3, q4 and 15 more"
    assert marks_shown.to_review(REFUSED) == "PAGE_NOT_REGISTERED no corner marks"
    assert marks_shown.to_review(reading(answer("q1"))) == ""


def test_a_number_that_cannot_be_told_is_a_question_mark():
    unsure = reading(identifier={"name": "n", "value": None, "confidence": 0.2, "status": "ambiguous"})
    assert [marks_shown.student(each) for each in (reading(), unsure, REFUSED)] == ["12345678", "?", ""]


def test_the_spreadsheet_has_a_row_for_each_sheet_and_a_column_for_each_question():
    text = csv_rows.of_readings([reading(answer("q1", "A"), answer("q2", "B", "C", confidence=0.8)), REFUSED])
    assert text.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff")))) == [
        ["file", "page", "student", "q1", "q2", "confidence", "review"],
        ["scan.pdf", "1", "12345678", "A", "B;C", "0.800", ""],
        ["scan.pdf", "1", "", "", "", "", "PAGE_NOT_REGISTERED no corner marks"],
    ]


def test_a_file_named_like_a_formula_is_none_in_the_spreadsheet():
    rows = list(csv.reader(io.StringIO(csv_rows.of_readings([reading(file="=cmd|' /C calc'!A0.png")]))))
    assert rows[1][0] == "'=cmd|' /C calc'!A0.png"
