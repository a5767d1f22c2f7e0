"""`academy omr`: answer sheets, from the printer back to marks."""

from collections.abc import Callable
from typing import Any

import typer

from cli.omr import batches, reading, sheet, sheets, template, uploading

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Read answer sheets: print them, read scans of them, review what is doubtful.",
)


def _add(command: Callable[..., Any], example: str, *, name: str | None = None) -> None:
    app.command(name, epilog=f"Example: academy omr {example}")(command)


_add(sheet.sheet, "sheet --questions 40 --language ko --title '3월 모의고사' --output sheet.pdf")
_add(reading.read, "read scans/ --template sheet.json --csv marks.csv")
_add(reading.gallery, "gallery scans/ --template sheet.json --output gallery/")
_add(reading.evaluate, "evaluate ../shared/omr/oc-neet-200q --errors errors/")
_add(uploading.upload, "upload scans/ --template sheet.json --exam 'Algebra 3'")
_add(sheets.review, "review --exam 'Algebra 3'")
_add(sheets.correct, "correct 5d1e77c0 q5=B q7=A,C q9= --student 12345678")
_add(sheets.confirm, "confirm 5d1e77c0 7a02b4f9")
_add(batches.export, "export 3f9c2a1b --csv marks.csv")
app.add_typer(template.app, name="template")
app.add_typer(batches.app, name="batches")
app.add_typer(sheets.app, name="sheets")
