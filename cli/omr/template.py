"""`academy omr template`: forms, checked, drawn, made and brought from other programs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli import tables
from cli.child import run_module
from cli.exits import Exit
from cli.omr.sheet_options import ChoiceCount, ChoicesAre, Columns, Questions, StudentDigits, sheet_options
from cli.omr.template_files import write_template
from cli.options import AsJson
from cli.output import RESULTS, print_json, say
from pipeline.answer_sheets.checking import Finding, Weight, findings
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.answer_sheets.printing.layout import template_for
from pipeline.answer_sheets.printing.options import Choices
from pipeline.answer_sheets.template import OutputKind, Template
from pipeline.errors import Invalid

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Check, draw, make and import the templates that say where a form's bubbles are.",
    epilog="Example: academy omr template new --from omrchecker/template.json --output sheet.json",
)

TemplateArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A template: ours, the neutral one, OMRChecker's or FormScanner's.")
]


@app.command(epilog="Example: academy omr template check sheet.json")
def check(file: TemplateArgument, *, as_json: AsJson = False) -> None:
    """Look for what is wrong with a template: bubbles that overlap or lie outside, marks that are missing.

    Exits 1 when something would make sheets unreadable, 2 when the file is no template.
    """
    template = open_template(file).template
    found = findings(template)
    if as_json:
        print_json([{"weight": each.weight, "place": each.place, "problem": each.problem} for each in found])
    else:
        RESULTS.print(tables.fields(_summary(template)))
        for each in found:
            RESULTS.print(_line(each), soft_wrap=True)
    errors = sum(each.weight is Weight.ERROR for each in found)
    if errors:
        say(f"{errors} errors.")
        raise typer.Exit(Exit.FAILED)
    say("No errors.")


@app.command(epilog="Example: academy omr template draw sheet.json --over scan.png --output drawn.png")
def draw(
    file: TemplateArgument,
    *,
    over: Annotated[
        Path | None, typer.Option(metavar="IMAGE", help="A scan to draw it over, found as when it is read.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="PNG", show_default="FILE.png")] = None,
) -> None:
    """Draw a template, over white or over a scan: each bubble with its value, each mark with its kind."""
    open_template(file)
    if over is not None and not over.is_file():
        raise Invalid("file_not_found", f"{over} is not a file")
    picture = output or Path(f"{file.stem}.png")
    code = run_module(["jobs.omr.draw", str(file), str(picture), *(["--over", str(over)] if over else [])])
    if code:
        raise typer.Exit(code)
    RESULTS.print(picture, markup=False, soft_wrap=True)


@app.command(epilog="Example: academy omr template new --questions 40 --choices 4 --output sheet.json")
def new(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The template.")] = Path("sheet.json"),
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Make it from another program's template instead.")
    ] = None,
    questions: Questions = 20,
    choices: ChoiceCount = 5,
    student_digits: StudentDigits = 8,
    columns: Columns = None,
    choices_are: ChoicesAre = Choices.LETTERS,
) -> None:
    """Make a template of our own format, from a few options or from a template of another program."""
    if output.exists() and source is not None and output.resolve() == source.resolve():
        raise Invalid("same_file", f"{output} is the template to read; give --output another name")
    if source is not None:
        opened = open_template(source)
        write_template(opened.template, output, opened.pictures)
    else:
        asked = sheet_options(
            output,
            questions=questions,
            choices=choices,
            student_digits=student_digits,
            columns=columns,
            choices_are=choices_are or Choices.LETTERS,
        )
        write_template(template_for(asked), output)
    RESULTS.print(output, markup=False, soft_wrap=True)


def _summary(template: Template) -> dict[str, str]:
    outputs = template.all_outputs()
    identifiers = [
        f"{output.name} ({len(output.fields)} places{', the student' if output.student else ''})"
        for output in outputs
        if output.kind is OutputKind.IDENTIFIER
    ]
    marks = [" ".join(filter(None, (mark.kind, mark.corner or mark.side))) for mark in template.fiducials]
    return {
        "Template": f"{template.name}, version {template.version}",
        "Frame": f"{template.frame.width:g} x {template.frame.height:g}",
        "Questions": str(sum(output.kind is OutputKind.QUESTION for output in outputs)),
        "Identifiers": ", ".join(identifiers),
        "Bubbles": str(sum(len(field.bubbles) for field in template.all_fields())),
        "Found by": ", ".join(marks),
    }


def _line(finding: Finding) -> Text:
    colour = "red" if finding.weight is Weight.ERROR else "yellow"
    return Text.assemble((f"{finding.weight}  ", colour), f"{finding.place}: {finding.problem}")
