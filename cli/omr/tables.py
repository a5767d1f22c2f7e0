"""Sheets as tables for people."""

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from cli.omr import marks_shown
from cli.omr.marks_shown import Reading


def readings(sheets: Iterable[Reading]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("Sheet", overflow="fold")
    table.add_column("Page", justify="right")
    table.add_column("Student", no_wrap=True)
    table.add_column("Answers", overflow="fold")
    table.add_column("Confidence", justify="right")
    table.add_column("To review", overflow="fold")
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
