"""`academy omr upload`: scans and their template to the API, and the work on them followed."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli import figures
from cli.exits import Exit
from cli.following import follow_work
from cli.omr import tables
from cli.omr.api import NewBatch, OmrApi
from cli.omr.files import Files, TemplateFile, UsedEngine, sheet_files
from cli.omr.rows import Batch, NamedPut
from cli.options import A_DAY_S, AsJson, GiveUpAfter, Tenant, Wait, open_api
from cli.output import REMARKS, RESULTS, is_terminal, print_json, say
from cli.tables import SHORT_ID, reason
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.contracts.omr import Engine
from pipeline.lifecycle.batch_state import BatchStatus


def upload(
    files: Files,
    template: TemplateFile,
    *,
    exam: Annotated[str, typer.Option(metavar="NAME", help="The exam that the sheets belong to.")],
    title: Annotated[str | None, typer.Option(help="What the batch is called, such as a class.")] = None,
    engine: UsedEngine = Engine.AUTO,
    wait: Wait = True,
    timeout: GiveUpAfter = A_DAY_S,
    as_json: AsJson = False,
    tenant: Tenant = None,
) -> None:
    """Upload scans of answer sheets to be read, and follow the work to its end.

    Exits 4 with the reason when a file is refused, and 1 when the work fails.
    """
    opened = open_template(template)
    named = names_of(sheet_files(files))
    with open_api(tenant) as api:
        omr = OmrApi(api)
        stored = omr.store_template(opened)
        new = NewBatch(exam=exam, title=title, template_id=stored["id"], files=named, engine=engine.value)
        created = omr.create_batch(new)
        _put_all(omr, created["uploads"], named)
        batch = omr.complete_batch(created["id"])
        watch_or_show(omr, batch, wait=wait, timeout_s=timeout, as_json=as_json)


def names_of(paths: Sequence[Path]) -> dict[str, Path]:
    """Files by the names under which a batch knows them: those alone, with their folder where two are the same."""
    count = Counter(path.name for path in paths)
    return {path.name if count[path.name] == 1 else str(path): path for path in paths}


def watch_or_show(omr: OmrApi, batch: Batch, *, wait: bool, timeout_s: float, as_json: bool) -> None:
    """Show the batch, with `wait` as it is when the work has ended; FAILED is exit code 1."""
    if wait:
        try:
            follow_work(
                lambda: omr.progress(batch["id"]),
                lambda: omr.batch(batch["id"])["error_reason"] is not None,
                what=f"batch {batch['id']}",
                timeout_s=timeout_s,
            )
        except KeyboardInterrupt:
            say(f"The work goes on. See it again with `academy omr batches show {batch['id'][:SHORT_ID]}`.")
            raise typer.Exit(Exit.INTERRUPTED) from None
        batch = omr.batch(batch["id"])
    if as_json:
        print_json(batch)
    else:
        RESULTS.print(tables.batch(batch))
    if wait and batch["status"] != BatchStatus.READY:
        say(f"{batch['status']}: {reason(batch['error_reason'])}")
        raise typer.Exit(Exit.FAILED)
    if wait and batch["counts"]["to_review"] and not as_json:
        say(f"{batch['counts']['to_review']} to review: academy omr review --batch {batch['id'][:SHORT_ID]}")


def _put_all(omr: OmrApi, puts: Sequence[NamedPut], files: dict[str, Path]) -> None:
    total = sum(path.stat().st_size for path in files.values())
    if not is_terminal():
        say(f"Uploading {len(puts)} files, {figures.size(total)}")
        for put in puts:
            omr.api.put_file(put, files[put["name"]], lambda _: None)
        return
    columns = (TextColumn("[bold]Uploading"), BarColumn(bar_width=None), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=REMARKS, transient=True, expand=True) as progress:
        task = progress.add_task("", total=total)
        for put in puts:
            omr.api.put_file(put, files[put["name"]], lambda count: progress.advance(task, count))
