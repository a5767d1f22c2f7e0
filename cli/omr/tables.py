"""Batches and sheets as tables for people."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich import box
from rich.table import Table
from rich.text import Text

from cli import figures
from cli.omr import marks_shown
from cli.omr.marks_shown import Reading
from cli.omr.rows import Answer, Batch, Sheet
from cli.tables import SHORT_ID, fields, reason, state


def readings(sheets: Iterable[Reading]) -> Table:
    table = _table("Sheet", ">Page", "Student", "Answers", ">Confidence", "To review")
    for sheet in sheets:
        lowest = marks_shown.lowest_confidence(sheet)
        table.add_row(
            Text(sheet["file"]),
            str(sheet["page"]),
            Text(marks_shown.student(sheet)),
            Text(marks_shown.answers_line(sheet["answers"])),
            "" if lowest is None else f"{lowest:.2f}",
            Text(marks_shown.to_review(sheet), style="yellow" if sheet["state"] == "read" else "red"),
        )
    return table


def batches(rows: Iterable[Batch]) -> Table:
    table = _table("ID", "Exam", "Title", "Status", ">OK", ">To review", ">Refused", "Created", "Reason")
    now = datetime.now(UTC)
    for row in rows:
        counts = row["counts"]
        table.add_row(
            row["id"][:SHORT_ID],
            Text(row["exam"]),
            Text(row["title"] or ""),
            state(row["status"]),
            str(counts["ok"]),
            str(counts["to_review"]),
            str(counts["refused"]),
            figures.age(row["created_at"], now=now),
            row["error_reason"] or "",
        )
    return table


def batch(row: Batch) -> Table:
    counts = row["counts"]
    files = row.get("files", [])
    return fields(
        {
            "ID": row["id"],
            "Exam": row["exam"],
            "Title": row["title"],
            "Status": state(row["status"]),
            "Reason": reason(row["error_reason"]),
            "Sheets": f"{counts['ok']} ok, {counts['to_review']} to review, {counts['refused']} refused",
            "Files": f"{len(files)}, {figures.size(sum(file['size'] for file in files))}" if files else "",
            "Created": f"{figures.local_time(row['created_at'])} by {row['created_by']}",
        }
    )


def sheets(rows: Iterable[Sheet]) -> Table:
    table = _table("ID", "File", ">Page", "Student", "Status", "To review")
    for row in rows:
        table.add_row(
            row["id"][:SHORT_ID],
            Text(row["file"]),
            str(row["page"]),
            Text(row["identifier"] or ""),
            state(row["status"]),
            Text(_why(row)),
        )
    return table


def sheet(row: Sheet) -> Table:
    return fields(
        {
            "ID": row["id"],
            "Exam": row["exam"],
            "File": f"{row['file']}, page {row['page']}",
            "Student": row["identifier"],
            "Status": state(row["status"]),
            "Reason": reason(row["error_reason"]),
            "To review": _why(row),
            "Reviewed": _reviewed(row),
            "Version": row["version"],
        }
    )


def answers(rows: Iterable[Answer]) -> Table:
    table = _table("Question", "Counts", "Says", "Machine read", ">Confidence", "Status")
    for row in rows:
        table.add_row(
            Text(row["question_id"]),
            Text(", ".join(row["values"]) or marks_shown.BLANK),
            row["source"],
            Text("" if row["detected"] is None else ", ".join(row["detected"]) or marks_shown.BLANK),
            "" if row["confidence"] is None else f"{row['confidence']:.2f}",
            Text(row["status"] or "", style="" if row["status"] == "ok" else "yellow"),
        )
    return table


def _why(row: Sheet) -> str:
    if row["error_reason"]:
        return row["error_reason"]
    return ", ".join(row["review"]["reasons"]) if row["review"]["required"] else ""


def _reviewed(row: Sheet) -> str:
    review = row["review"]
    return f"{figures.local_time(review['reviewed_at'])} by {review['reviewed_by']}" if review["reviewed_at"] else ""


def _table(*columns: str) -> Table:
    """A heading that starts with `>` is a column of numbers."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.removeprefix(">"), justify="right" if column.startswith(">") else "left", overflow="fold"
        )
    return table
