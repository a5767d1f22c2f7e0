"""`academy up`: the whole stack in the foreground."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import typer
from rich.table import Table

from cli import tables
from cli.configuration import read_settings
from cli.exits import Exit
from cli.output import REMARKS, RESULTS, say
from pipeline.embedded.interruption import Interrupted, interruptible
from pipeline.embedded.stack import Stack, open_stack
from pipeline.errors import Unavailable
from pipeline.settings import Settings

EPILOG: Final = "Example: academy up   or, on a database of your own,   DATABASE_URL=postgresql://… academy up"
CHECK_EVERY_S: Final = 0.5
ADVICE: Final = (
    "A part of the stack has ended, so all of it is stopped. Uploads and finished videos are in the data folder, and"
    " jobs that ran are tried again: academy up goes on with them. Where it ends again, what follows says why;"
    " academy doctor looks at the disk and at whether each server can be had."
)


def up() -> None:
    """Run the whole stack until Ctrl-C: the servers that no setting names, the API, and the executor.

    A second Ctrl-C kills what has not stopped by then. Exits 0 when it was told to stop, 5 where a part does not
    start or ends by itself. The API alone is started again, three times in ten minutes.
    """
    settings = read_settings()
    try:
        with interruptible() as hurry, opened_stack(settings, hurry) as stack:
            RESULTS.print(addresses(stack))
            say("Upload a lecture from another terminal: academy videos upload lecture.mp4")
            keep_serving(stack)
    except Interrupted:
        say("Stopped.")
        raise typer.Exit(Exit.DONE) from None


@contextmanager
def opened_stack(settings: Settings, hurry: threading.Event) -> Iterator[Stack]:
    """As `open_stack`, and says on the way what happens."""
    with ExitStack() as running:
        with REMARKS.status("Starting Postgres, Redis, the object store and the API …"):
            stack = running.enter_context(open_stack(settings, hurry))
        try:
            yield stack
        finally:
            say("Stopping … (Ctrl-C again: at once)")


def keep_serving(stack: Stack) -> None:
    """Until a signal interrupts it; raises `Unavailable` when a part of the stack ends by itself for good."""
    say("Ctrl-C stops everything.")
    while True:
        try:
            news = stack.check()
        except Unavailable:
            say(ADVICE)
            raise
        if news is not None:
            say(news)
        time.sleep(CHECK_EVERY_S)


def addresses(stack: Stack) -> Table:
    """Where everything is. Nothing in it is secret: it may be shown around."""
    rows = {
        "API": f"{stack.api_url}/api/v1",
        "Documentation": f"{stack.api_url}/docs",
        "Player": f"{stack.api_url}/watch/VIDEO",
        "Metrics": f"{stack.api_url}/metrics   (bearer: `metrics` in {stack.data / 'secrets.json'})",
    }
    for part in stack.parts:
        rows[part.title] = f"{part.address}   ({'embedded' if part.embedded else 'from the settings'})"
    return tables.fields(rows | {"Data folder": str(stack.data), "Logs": str(stack.data / "logs")})
