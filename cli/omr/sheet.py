"""`academy omr sheet`: paper to begin with, and the template that reads it."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cli.omr.sheet_options import (
    ChoiceCount,
    ChoicesAre,
    Columns,
    Questions,
    SheetLanguage,
    StudentDigits,
    sheet_options,
    usual,
)
from cli.omr.template_files import write_template
from cli.output import RESULTS, say
from cli.text_files import write_bytes
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.answer_sheets.printing.layout import template_for
from pipeline.answer_sheets.printing.options import Language
from pipeline.answer_sheets.printing.page import page_id, sheet_pdf


def sheet(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The PDF.")] = Path("sheet.pdf"),
    questions: Questions = 20,
    choices: ChoiceCount = 5,
    student_digits: StudentDigits = 8,
    columns: Columns = None,
    language: SheetLanguage = Language.ENGLISH,
    choices_are: ChoicesAre = None,
    title: Annotated[str | None, typer.Option(help="What stands at the top.", show_default="Answer sheet")] = None,
    template: Annotated[
        Path | None, typer.Option("--template", "-t", metavar="FILE", help="Print this template instead.")
    ] = None,
    page: Annotated[
        str | None,
        typer.Option("--page-id", metavar="TEXT", help="What the QR code says.", show_default="the template's"),
    ] = None,
    copies: Annotated[
        int, typer.Option(min=1, max=500, help="Pages, each with a number of its own in its QR code.")
    ] = 1,
) -> None:
    """Make a printable A4 answer sheet, and beside it the template that reads it.

    Print it at 100 % ("actual size"), let students fill it, scan it, and read it with that template.
    """
    if template is not None:
        form = open_template(template).template
    else:
        form = template_for(
            sheet_options(
                output,
                questions=questions,
                choices=choices,
                student_digits=student_digits,
                columns=columns,
                choices_are=usual(choices_are, language),
            )
        )
    code = page or page_id(form)
    pages = [code] if copies == 1 else [f"{code}-{number:03}" for number in range(1, copies + 1)]
    pdf = sheet_pdf(form, language, title=title, page_ids=pages)
    beside = output.with_suffix(".json")
    if template is None or beside.resolve() != template.resolve():
        write_template(form, beside)
    write_bytes(output, pdf)
    RESULTS.print(output, markup=False, soft_wrap=True)
    RESULTS.print(beside, markup=False, soft_wrap=True)
    say(f"Print {output} at 100 %. Read scans of it with: academy omr read SCANS --template {shlex.quote(str(beside))}")
