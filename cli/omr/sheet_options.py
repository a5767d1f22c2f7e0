"""Options by which an academy describes a sheet of its own; `sheet` and `template new` share them."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.answer_sheets.printing.options import USUAL_CHOICES, Choices, Language, SheetOptions

Questions = Annotated[int, typer.Option(min=1, max=200, help="How many questions.")]
ChoiceCount = Annotated[int, typer.Option("--choices", min=2, max=10, help="How many choices a question has.")]
StudentDigits = Annotated[
    int, typer.Option(min=0, max=12, help="Digits of the student number; 8 suit phone numbers, 0 is none.")
]
Columns = Annotated[
    int | None, typer.Option(min=1, max=6, help="Columns of questions.", show_default="as many as look right")
]
SheetLanguage = Annotated[Language, typer.Option("--language", case_sensitive=False, help="Of what is printed.")]
ChoicesAre = Annotated[
    Choices | None,
    typer.Option(
        "--choices-are", case_sensitive=False, help="A B C or 1 2 3.", show_default="numbers in Korean, else letters"
    ),
]


def sheet_options(
    output: Path,
    *,
    questions: int,
    choices: int,
    student_digits: int,
    columns: int | None,
    choices_are: Choices,
) -> SheetOptions:
    """What was asked for; the sheet is called as its file is."""
    return SheetOptions(
        name=output.stem,
        questions=questions,
        choices=choices,
        student_digits=student_digits,
        columns=columns,
        choices_are=choices_are,
    )


def usual(choices_are: Choices | None, language: Language) -> Choices:
    return choices_are or USUAL_CHOICES[language]
