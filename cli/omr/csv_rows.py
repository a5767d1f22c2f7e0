"""Sheets as CSV that spreadsheets open as it is: with a byte order mark, so that they take it for UTF-8."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from cli.omr import marks_shown
from cli.omr.marks_shown import Reading

BYTE_ORDER_MARK: Final = "\ufeff"
BETWEEN_MARKS: Final = ";"
# A cell that begins so is a formula to a spreadsheet, and a file's name comes from whoever scanned it.
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def of_readings(sheets: Sequence[Reading]) -> str:
    """A row for each sheet: file, page, student, one column for each question, lowest confidence, what to review."""
    questions = list(dict.fromkeys(answer["question_id"] for sheet in sheets for answer in sheet["answers"]))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_plain(name) for name in ("file", "page", "student", *questions, "confidence", "review"))
    for sheet in sheets:
        marks = {answer["question_id"]: BETWEEN_MARKS.join(answer["detected"]) for answer in sheet["answers"]}
        lowest = marks_shown.lowest_confidence(sheet)
        cells = (
            sheet["file"],
            str(sheet["page"]),
            marks_shown.student(sheet),
            *(marks.get(question, "") for question in questions),
            "" if lowest is None else f"{lowest:.3f}",
            marks_shown.to_review(sheet),
        )
        writer.writerow(_plain(cell) for cell in cells)
    return BYTE_ORDER_MARK + out.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULAS) else cell
