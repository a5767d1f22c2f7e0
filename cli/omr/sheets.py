"""`academy omr sheets`, `review`, `correct` and `confirm`: what was read, and what a person says of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.omr import choosing, tables
from cli.omr.api import OmrApi
from cli.omr.batches import BatchArgument
from cli.options import AsJson, Tenant, open_api
from cli.output import RESULTS, print_json, say
from cli.text_files import open_for_writing
from pipeline.contracts.omr import ReviewReason
from pipeline.errors import Invalid
from pipeline.lifecycle.submission_state import SubmissionStatus

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="List the sheets of a batch, and show what was read of one.",
    epilog="Example: academy omr sheets list 3f9c2a1b",
)

SheetArgument = Annotated[str, typer.Argument(metavar="SHEET", help="A sheet's ID, or its first characters.")]
Note = Annotated[str, typer.Option(help="Why, for those who ask later.")]
MOST_SHEETS: Final = 10_000
SheetLimit = Annotated[int, typer.Option("--limit", min=1, max=MOST_SHEETS, help="How many.")]


@app.command("list", epilog="Example: academy omr sheets list 3f9c2a1b --status FAILED")
def list_(
    batch: BatchArgument,
    *,
    status: Annotated[
        SubmissionStatus | None, typer.Option(help="Only those in this status.", case_sensitive=False)
    ] = None,
    limit: SheetLimit = 500,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """List a batch's sheets, in the order of files and pages."""
    with open_api(tenant) as api:
        omr = OmrApi(api)
        page = omr.sheets(choosing.batch_id(omr, batch), limit=limit, status=status)
    if as_json:
        print_json(page.rows)
    else:
        RESULTS.print(tables.sheets(page.rows))
    if not page.are_all:
        say(f"These are the first {limit}. --limit gives up to {MOST_SHEETS}; --status chooses.")


@app.command(epilog="Example: academy omr sheets show 5d1e77c0 --overlay sheet.png")
def show(
    sheet: SheetArgument,
    *,
    overlay: Annotated[Path | None, typer.Option(metavar="PNG", help="Put the picture of what was read here.")] = None,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Show one sheet: each answer as it counts, who says so, and how sure the machine was."""
    with open_api(tenant) as api:
        omr = OmrApi(api)
        row = omr.sheet(choosing.sheet_id(omr, sheet))
        if overlay is not None:
            with open_for_writing(overlay) as target:
                omr.save_overlay(row["id"], target)
    if as_json:
        print_json(row)
    else:
        RESULTS.print(tables.sheet(row))
        RESULTS.print("", tables.answers(row.get("answers", [])))


def review(
    *,
    exam: Annotated[str | None, typer.Option(help="Only sheets of this exam.")] = None,
    batch: Annotated[str | None, typer.Option(metavar="BATCH", help="Only sheets of this batch.")] = None,
    reason: Annotated[
        ReviewReason | None, typer.Option(help="Only those with this reason.", case_sensitive=False)
    ] = None,
    limit: SheetLimit = 50,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """List the sheets that a person should look at, oldest first."""
    with open_api(tenant) as api:
        omr = OmrApi(api)
        batch_id = choosing.batch_id(omr, batch) if batch else None
        page = omr.review(limit=limit, exam=exam, batch=batch_id, reason=reason)
    if as_json:
        print_json(page.rows)
    elif page.rows:
        RESULTS.print(tables.sheets(page.rows))
        say("Look at one with `academy omr sheets show SHEET --overlay sheet.png`; then correct or confirm it.")
    else:
        say("Nothing to review.")
    if not page.are_all:
        say(f"These are the oldest {limit}. --limit gives up to {MOST_SHEETS}; --exam, --batch and --reason choose.")


def correct(
    sheet: SheetArgument,
    answers: Annotated[
        list[str] | None,
        typer.Argument(metavar="ANSWERS", help="q5=B, q7=A,C for two marks, q9= for none.", show_default=False),
    ] = None,
    *,
    student: Annotated[str | None, typer.Option(metavar="NUMBER", help="The student's number; '' for none.")] = None,
    note: Note = "",
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Say what stands on a sheet; questions that are not named stay as they are.

    The machine's reading is kept beside it. Exits 4 when somebody else changed the sheet meanwhile.
    """
    said = parsed_answers(answers or [])
    if not said and student is None:
        raise Invalid("nothing_to_correct", "name answers, such as q5=B, or --student NUMBER")
    with open_api(tenant) as api:
        omr = OmrApi(api)
        before = omr.sheet(choosing.sheet_id(omr, sheet))
        row = omr.correct(before, said, identifier=student, note=note)
    if as_json:
        print_json(row)
    else:
        RESULTS.print(tables.sheet(row))


def confirm(
    sheets: Annotated[list[str], typer.Argument(metavar="SHEETS", help="IDs, or their first characters.")],
    *,
    note: Note = "",
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Say that sheets are right as they stand."""
    with open_api(tenant) as api:
        omr = OmrApi(api)
        found = [omr.sheet(choosing.sheet_id(omr, sheet)) for sheet in sheets]
        rows = [omr.confirm(sheet, note=note) for sheet in found]
    if as_json:
        print_json(rows)
    else:
        RESULTS.print(tables.sheets(rows))


def parsed_answers(texts: Sequence[str]) -> dict[str, list[str]]:
    """`{"q5": ["B"], "q7": ["A", "C"], "q9": []}` of `q5=B q7=A,C q9=`; raises `Invalid` with what is no answer."""
    found: dict[str, list[str]] = {}
    for text in texts:
        question, equals, values = text.partition("=")
        if not equals or not question.strip():
            raise Invalid("answer_unreadable", f"{text!r} is no answer; write q5=B, q7=A,C or q9= for none")
        if question.strip() in found:
            raise Invalid("answer_unreadable", f"{question.strip()!r} is answered twice")
        found[question.strip()] = [value.strip() for value in values.split(",") if value.strip()]
    return found
