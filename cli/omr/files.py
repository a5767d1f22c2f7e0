"""Which files a command line names: files as they are, and of folders everything that may hold sheets."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import typer

from pipeline.answer_sheets.importing.opening import open_template
from pipeline.contracts.omr import Engine
from pipeline.errors import Invalid

SUFFIXES: Final = (".pdf", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".zip")

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES", help="PDF, TIFF, PNG, JPEG, WebP, ZIP of pictures, or folders of them.", show_default=False
    ),
]
TemplateFile = Annotated[
    Path,
    typer.Option("--template", "-t", metavar="FILE", help="The form: ours, OMRChecker's or FormScanner's."),
]

UsedEngine = Annotated[
    Engine,
    typer.Option(
        "--engine", case_sensitive=False, help="What judges the bubbles; the classical one cross-checks the network."
    ),
]


def sheet_files(named: Iterable[Path]) -> list[Path]:
    """The files, each once, a folder's in the order of their names; raises `Invalid` where one is missing."""
    found: dict[Path, None] = {}
    for path in named:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.is_file() and file.suffix.lower() in SUFFIXES)
            if not inside:
                raise Invalid("file_not_found", f"the folder {path} holds no {', '.join(SUFFIXES)}")
            found |= dict.fromkeys(inside)
        elif path.is_file():
            found[path] = None
        else:
            raise Invalid("file_not_found", f"{path} is neither a file nor a folder")
    return list(found)


def usable_template(path: Path) -> Path:
    """The same path, when it can be opened; raises `Invalid` with the place of what is wrong in it."""
    open_template(path)
    return path
