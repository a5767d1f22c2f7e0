"""Jobs that have not begun, put together by what holds them up."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from rich.padding import Padding
from rich.text import Text

from cli import figures, tables
from cli.output import RESULTS
from cli.rows import WaitingJob, Why

TITLES: Final = {
    "not_submitted": "The executor has not taken it yet",
    "breaks": "Something breaks whenever it is submitted",
    "executor_silent": "The executor does not answer",
    "job_unknown": "The executor does not know it",
    "being_admitted": "On its way into the queue",
    "after_another_job": "Waits for another job",
    "queue_closed": "The queue is closed",
    "no_environment": "The queue has nowhere to run jobs",
    "asks_too_much": "Asks for more than any machine has",
    "misconfigured": "Something in AWS is set up wrong",
    "no_capacity": "AWS has no such machine free",
    "at_its_limit": "All allowed machines are busy",
    "waits_for_machine": "Waits for a machine",
    "retry_pause": "Pauses before its next attempt",
    "no_free_slot": "All places of this machine are taken",
    "starting": "Is starting",
}
SHOWN: Final = 10


def show(rows: Iterable[WaitingJob]) -> None:
    """What needs a person first; of equal jobs a paragraph, with those that wait longest."""
    ordered = sorted(rows, key=lambda row: (*_place(row["why"]), -row["waits_for_s"]))
    for number, (_, group) in enumerate(groupby(ordered, key=lambda row: _place(row["why"]))):
        if number:
            RESULTS.print()
        _show_group(list(group))


def _place(why: Why) -> tuple[bool, str, str]:
    return (not why["needs_a_person"], why["cause"], why["detail"])


def _show_group(rows: list[WaitingJob]) -> None:
    why = rows[0]["why"]
    title = Text(f"{TITLES.get(why['cause'], why['cause'])}", style="bold red" if why["needs_a_person"] else "bold")
    count = f"{len(rows)} job" if len(rows) == 1 else f"{len(rows)} jobs"
    RESULTS.print(title + Text(f"  ({why['cause']}, {count})", style="dim"))
    _indented(why["detail"])
    if why["remedy"]:
        _indented(f"\N{RIGHTWARDS ARROW} {why['remedy']}")
    table = tables.waiting_jobs(
        (row["id"], row["kind"], row["asset_id"], row["state"], figures.duration(row["waits_for_s"]))
        for row in rows[:SHOWN]
    )
    RESULTS.print(Padding(table, (0, 0, 0, 2), expand=False))
    if len(rows) > SHOWN:
        _indented(f"… and {len(rows) - SHOWN} more")


def _indented(text: str) -> None:
    RESULTS.print(Padding(Text(text), (0, 0, 0, 2), expand=False))
