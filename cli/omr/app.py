"""`academy omr`: answer sheets, from the printer back to marks."""

from collections.abc import Callable
from typing import Any

import typer

from cli.omr import reading

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Read answer sheets: print them, read scans of them, review what is doubtful.",
)


def _add(command: Callable[..., Any], example: str, *, name: str | None = None) -> None:
    app.command(name, epilog=f"Example: academy omr {example}")(command)


_add(reading.read, "read scans/ --template sheet.json --csv marks.csv")
_add(reading.gallery, "gallery scans/ --template sheet.json --output gallery/")
_add(reading.evaluate, "evaluate ../shared/omr/oc-neet-200q --errors errors/")
