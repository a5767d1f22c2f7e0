"""`academy omr batches`, and what is taken out of one."""

from pathlib import Path
from typing import Annotated

import typer

from cli.omr import choosing, tables
from cli.omr.api import OmrApi
from cli.omr.uploading import watch_or_show
from cli.options import A_DAY_S, AsJson, GiveUpAfter, Limit, Tenant, Wait, open_api
from cli.output import RESULTS, print_json, say
from cli.text_files import open_for_writing
from pipeline.lifecycle.batch_state import BatchStatus

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="List, show, repeat and cancel batches of scanned sheets.",
    epilog="Example: academy omr batches list --status FAILED",
)

BatchArgument = Annotated[str, typer.Argument(metavar="BATCH", help="A batch's ID, or its first characters.")]


@app.command("list", epilog="Example: academy omr batches list --exam 'Algebra 3'")
def list_(
    *,
    exam: Annotated[str | None, typer.Option(help="Only those of this exam.")] = None,
    status: Annotated[BatchStatus | None, typer.Option(help="Only those in this status.", case_sensitive=False)] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """List batches, newest first."""
    with open_api(tenant) as api:
        page = OmrApi(api).batches(limit=limit, exam=exam, status=status)
    if as_json:
        print_json(page.rows)
    elif page.rows:
        RESULTS.print(tables.batches(page.rows))
    else:
        say("No such batches. Upload one with `academy omr upload FILES --template T --exam NAME`.")
    if not page.are_all:
        say(f"These are the newest {limit}. --limit gives up to 200; --exam and --status choose.")


@app.command(epilog="Example: academy omr batches show 3f9c2a1b")
def show(batch: BatchArgument, *, as_json: AsJson = False, tenant: Tenant = None) -> None:
    """Show one batch: its files, how many sheets are read, to review, refused."""
    with open_api(tenant) as api:
        omr = OmrApi(api)
        row = omr.batch(choosing.batch_id(omr, batch))
    if as_json:
        print_json(row)
    else:
        RESULTS.print(tables.batch(row))


@app.command(epilog="Example: academy omr batches retry 3f9c2a1b")
def retry(
    batch: BatchArgument,
    *,
    wait: Wait = True,
    timeout: GiveUpAfter = A_DAY_S,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Read again what a FAILED batch has no result of."""
    with open_api(tenant) as api:
        omr = OmrApi(api)
        row = omr.retry_batch(choosing.batch_id(omr, batch))
        watch_or_show(omr, row, wait=wait, timeout_s=timeout, as_json=as_json)


@app.command(epilog="Example: academy omr batches cancel 3f9c2a1b")
def cancel(batch: BatchArgument, *, as_json: AsJson = False, tenant: Tenant = None) -> None:
    """Stop the work on a batch for good; what was read stays. Exits 4 when nothing works on it."""
    with open_api(tenant) as api:
        omr = OmrApi(api)
        row = omr.cancel_batch(choosing.batch_id(omr, batch))
    if as_json:
        print_json(row)
    else:
        say(f"Cancelled the work on batch {row['id']}.")


def export(
    batch: BatchArgument,
    *,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row for each sheet here, for spreadsheets.")
    ] = None,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Take out what counts of every sheet of a batch, corrections included: as CSV, or with --json as JSON.

    Without a file, the CSV goes to stdout.
    """
    with open_api(tenant) as api:
        omr = OmrApi(api)
        batch_id = choosing.batch_id(omr, batch)
        if as_json:
            print_json(omr.export_json(batch_id))
            return
        with open_for_writing(csv) as target:
            omr.export_csv(batch_id, target)
    if csv is not None:
        RESULTS.print(csv, markup=False, soft_wrap=True)
