"""What was read of a sheet, as people say it in a line."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.contracts.omr import REVIEW_CONFIDENCE

BLANK: Final = "·"
MULTI: Final = "*"
IN_A_GROUP: Final = 5
NAMED: Final = 5

Reading = Mapping[str, Any]


def answers_line(answers: Sequence[Mapping[str, Any]]) -> str:
    """`ABDCA ·C*DB` in groups of five: a dot is blank, a star is several marks; or how many of many are answered."""
    if any(len(value) > 1 for answer in answers for value in answer["detected"]):
        return f"{sum(answer['marking'] != 'blank' for answer in answers)} of {len(answers)} answered"
    marks = "".join(_letter(answer) for answer in answers)
    return " ".join(marks[start : start + IN_A_GROUP] for start in range(0, len(marks), IN_A_GROUP))


def student(reading: Reading) -> str:
    """The student's number as far as it can be told; `?` where it cannot."""
    identifier = reading.get("identifier")
    if identifier is None:
        return ""
    return identifier["value"] or "?"


def lowest_confidence(reading: Reading) -> float | None:
    found = [answer["confidence"] for answer in reading["answers"]]
    return min(found) if found else None


def to_review(reading: Reading) -> str:
    """`student number; blank q5, q7; multi q9` of a sheet that a person should look at; a refused one's reason."""
    if reading["state"] == "refused":
        return " ".join(part for part in (reading["reason"], reading.get("detail", "")) if part)
    if not reading["review_reasons"]:
        return ""
    number = ["student number"] if "IDENTIFIER_NOT_OK" in reading["review_reasons"] else []
    doubts: dict[str, list[str]] = {}
    for answer in reading["answers"]:
        if doubt := _doubt(answer):
            doubts.setdefault(doubt, []).append(answer["question_id"])
    return "; ".join([*number, *(f"{doubt} {_listed(questions)}" for doubt, questions in doubts.items())])


def _doubt(answer: Mapping[str, Any]) -> str:
    if answer["status"] != "ok":
        return str(answer["status"]).replace("_", " ")
    if answer["marking"] != "single":
        return str(answer["marking"])
    return "low confidence" if answer["confidence"] < REVIEW_CONFIDENCE else ""


def _listed(questions: Sequence[str]) -> str:
    more = len(questions) - NAMED
    return ", ".join(questions[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _letter(answer: Mapping[str, Any]) -> str:
    detected = answer["detected"]
    return detected[0] if len(detected) == 1 else MULTI if detected else BLANK
