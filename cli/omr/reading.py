"""`academy omr read`, `gallery` and `evaluate`: the reader by hand, as a child process, with no server at all."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cli.child import read_module, run_module
from cli.exits import Exit
from cli.omr import csv_rows, tables
from cli.omr.files import Files, TemplateFile, UsedEngine, sheet_files, usable_template
from cli.options import AsJson
from cli.output import REMARKS, RESULTS, print_json
from cli.text_files import write_text
from pipeline.contracts.omr import Engine


def read(
    files: Files,
    template: TemplateFile,
    *,
    engine: UsedEngine = Engine.AUTO,
    overlays: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Put a picture of what was read here, one for each sheet.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row for each sheet, for spreadsheets.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read answer sheets from files or a folder, without any server, and print a table.

    Exits 1 when no sheet at all could be read; sheets that a person should look at are named with their reasons.
    """
    found = sheet_files(files)
    chosen = ["--template", str(usable_template(template)), "--engine", engine.value]
    pictures = ["--overlays", str(overlays)] if overlays else []
    sheets: list[dict[str, Any]] = []
    with _progress() as progress:
        task = progress.add_task("Reading", total=None)

        def take(line: str) -> None:
            sheets.append(json.loads(line))
            progress.update(task, description=f"Reading   {len(sheets)} sheets")

        # The reader says on stderr how many sheets it read, or why it could not.
        code = read_module(["jobs.omr.read", "--json", *chosen, *pictures, *map(str, found)], take)
    if code and not sheets:
        raise typer.Exit(code)
    if csv:
        write_text(csv, csv_rows.of_readings(sheets))
    if as_json:
        print_json(sheets)
    else:
        RESULTS.print(tables.readings(sheets))
    if code:
        raise typer.Exit(code)
    if not any(sheet["state"] == "read" for sheet in sheets):
        raise typer.Exit(Exit.FAILED)


def gallery(
    files: Files,
    template: TemplateFile,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the pictures go.")] = Path(
        "gallery"
    ),
    engine: UsedEngine = Engine.AUTO,
) -> None:
    """Sort every bubble of the sheets by how full it is, on contact sheets that show where the line belongs."""
    arguments = ["--template", str(usable_template(template)), "--engine", engine.value, "--output", str(output)]
    raise typer.Exit(run_module(["jobs.omr.gallery", *arguments, *map(str, sheet_files(files))]))


def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="SET_FOLDER", help="A folder with images/, template.json and ground_truth.json.", file_okay=False
        ),
    ],
    *,
    engine: UsedEngine = Engine.AUTO,
    errors: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Put the errors here, as pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare what is read with what is known to be right: accuracy, errors that nobody was told of, speed."""
    options = [
        "--engine",
        engine.value,
        *(["--errors", str(errors)] if errors else []),
        *(["--json"] if as_json else []),
    ]
    raise typer.Exit(run_module(["jobs.omr.evaluate", *options, str(folder)]))


def _progress() -> Progress:
    columns = (TextColumn("[bold]{task.description}"), BarColumn(bar_width=None), TimeElapsedColumn())
    return Progress(*columns, console=REMARKS, transient=True, disable=not sys.stderr.isatty())
