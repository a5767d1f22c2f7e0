"""Where things are written: results to stdout, everything that is said about them to stderr."""

import json
import os
import sys
from typing import Any

from rich.console import Console

# A pipe has no width: nothing that a program or a file reads is cut or broken for want of room.
UNBROKEN_COLUMNS = 400


def _width() -> int | None:
    """None leaves the width to the terminal, or to COLUMNS."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else UNBROKEN_COLUMNS


RESULTS = Console(highlight=False, width=_width())
REMARKS = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document, as the API spells it, and nothing else."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def is_terminal() -> bool:
    """Whether a person looks at stderr, where progress is drawn."""
    return REMARKS.is_terminal


def ask(question: str) -> bool:
    """Whether a person says yes. Asked on stderr: `typer.confirm` writes a blank to stdout."""
    REMARKS.print(f"{question} [y/N] ", markup=False, soft_wrap=True, end="")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def say(text: str) -> None:
    """A remark; square brackets in it are text, not markup, and it is never broken into lines."""
    REMARKS.print(text, markup=False, soft_wrap=True)
