"""The export of a batch: what counts of every sheet, as CSV for a spreadsheet and as JSON for a program."""

import csv
import io
from collections.abc import Iterator, Sequence

from control_plane.services import Services
from pipeline.database.omr_batches import OmrBatch
from pipeline.database.omr_templates import OmrTemplate
from pipeline.database.submission_lists import SheetFilter, list_sheets
from pipeline.database.submissions import Submission

AT_ONCE = 500
# Excel takes UTF-8 for the machine's own code page without it, and shows no Korean.
BYTE_ORDER_MARK = "\ufeff"
# A spreadsheet would run a cell that begins so (OWASP, CSV injection); the wide forms are what East Asian ones take.
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
# Between the values of one answer; no cell of ours begins with it.
VALUE_SEPARATOR = ";"

_HEADER = ("sheet_id", "file", "page", "status", "error_reason", "identifier", "to_review", "review_reasons",
           "reviewed_by", "reviewed_at")  # fmt: skip


def all_sheets(services: Services, batch: OmrBatch) -> Iterator[Submission]:
    """In the order of files and pages, a few hundred rows in memory at a time."""
    after: tuple[int, int] | None = None
    while True:
        with services.pool.connection() as connection:
            sheets = list_sheets(
                connection, batch.tenant_id, batch.id, matching=SheetFilter(), after=after, limit=AT_ONCE
            )
        yield from sheets
        if len(sheets) < AT_ONCE:
            return
        after = (sheets[-1].file_number, sheets[-1].page)


def csv_lines(template: OmrTemplate, sheets: Iterator[Submission]) -> Iterator[str]:
    """A header, then a line for each sheet with a column for each question of the template."""
    questions = questions_of(template)
    yield BYTE_ORDER_MARK + _line([*_HEADER, *questions])
    for sheet in sheets:
        yield _line([*_facts(sheet), *(VALUE_SEPARATOR.join(sheet.answers.get(name, [])) for name in questions)])


def exported_sheet(sheet: Submission) -> dict[str, object]:
    return {
        "sheet_id": str(sheet.id),
        "file": sheet.file_name,
        "page": sheet.page,
        "status": sheet.status,
        "error_reason": sheet.error_reason,
        "identifier": sheet.identifier,
        "to_review": sheet.to_review,
        "review_reasons": sheet.meta["manual_review"]["reasons"],
        "reviewed_by": sheet.reviewed_by,
        "reviewed_at": sheet.reviewed_at.isoformat() if sheet.reviewed_at is not None else None,
        "corrected": sheet.corrected,
        "answers": sheet.answers,
    }


def questions_of(template: OmrTemplate) -> list[str]:
    return [output["name"] for output in template.outputs if output["kind"] == "question"]


def _facts(sheet: Submission) -> list[str]:
    return [
        str(sheet.id),
        sheet.file_name,
        str(sheet.page),
        sheet.status,
        sheet.error_reason or "",
        sheet.identifier or "",
        "yes" if sheet.to_review else "no",
        VALUE_SEPARATOR.join(sheet.meta["manual_review"]["reasons"]),
        sheet.reviewed_by or "",
        sheet.reviewed_at.isoformat() if sheet.reviewed_at is not None else "",
    ]


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_harmless(cell) for cell in cells])
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_BEGINNINGS) else cell
