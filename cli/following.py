"""Follow the work on a video or on a batch of answer sheets until it is READY or FAILED.

A bar on a terminal; elsewhere a line per step and per ten percent.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from cli import figures
from cli.api import Api
from cli.output import REMARKS, is_terminal, say
from cli.rows import WorkProgress
from pipeline.contracts import omr, transcode
from pipeline.errors import Unavailable

POLL_S: Final = 0.5
# An API that restarts is back within this time; a longer silence ends the watching, not the work.
SILENCE_S: Final = 60.0
ENDED: Final = frozenset({"READY", "FAILED"})
LINE_EVERY_PERCENT: Final = 10

STEP_NAMES: Final = {step.name: step.display_en for step in (*transcode.STEPS, *omr.STEPS)}
WAITING: Final = {"PENDING": "Waiting for the upload", "UPLOADED": "Waiting for a worker", "PROCESSING": "Starting"}


class Picture(Protocol):
    """Draws one progress answer."""

    def draw(self, row: WorkProgress) -> None: ...


def follow(api: Api, video_id: str, *, timeout_s: float) -> WorkProgress:
    """The last progress answer: READY, FAILED, or PENDING where its upload was refused.

    Raises `Unavailable` after a minute without an answer, or when `timeout_s` has passed.
    """
    return follow_work(
        lambda: api.progress(video_id),
        # Only the video's row says so: for the progress call, it waits for an upload like any other.
        lambda: api.video(video_id)["error_reason"] is not None,
        what=f"video {video_id}",
        timeout_s=timeout_s,
    )


def follow_work(
    ask: Callable[[], WorkProgress], is_refused: Callable[[], bool], *, what: str, timeout_s: float
) -> WorkProgress:
    """The same of any work: `ask` gives its progress, `is_refused` is asked while that says PENDING."""
    end = time.monotonic() + timeout_s
    heard = time.monotonic()
    with _open_picture() as picture:
        while time.monotonic() < end:
            try:
                row = ask()
            except Unavailable:
                if time.monotonic() - heard > SILENCE_S:
                    raise
            else:
                heard = time.monotonic()
                picture.draw(row)
                if row["status"] in ENDED or (row["status"] == "PENDING" and is_refused()):
                    return row
            time.sleep(POLL_S)
    raise Unavailable("watch_timed_out", f"{what} has not ended within {timeout_s:.0f} s; it goes on")


def step_title(row: WorkProgress) -> str:
    """`4/7 Transcoding`, or what is waited for before the first step."""
    name = row.get("encoding_step_name")
    if not name:
        return WAITING.get(row["status"], row["status"])
    return f"{row.get('encoding_step_index')}/{row.get('encoding_step_total')} {STEP_NAMES.get(name, name)}"


def left(row: WorkProgress) -> str:
    seconds = row.get("encoding_remaining_seconds")
    return "" if seconds is None or row["status"] in ENDED else figures.remaining(seconds)


@contextmanager
def _open_picture() -> Iterator[Picture]:
    if not is_terminal():
        yield Lines()
        return
    columns = (
        TextColumn("{task.description}", style="bold"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[left]}", style="dim"),
    )
    with Progress(*columns, console=REMARKS, transient=True, expand=True) as progress:
        yield Bar(progress, progress.add_task("Waiting", total=100, left=""))


class Bar:
    """The bar is the whole work's percentage; its title is the step's name."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def draw(self, row: WorkProgress) -> None:
        self._progress.update(
            self._task,
            description=step_title(row),
            completed=row.get("encoding_progress") or 0,
            left=left(row),
        )


class Lines:
    """For logs: says a step when it begins and every tenth percent of it, never the same line twice."""

    def __init__(self) -> None:
        self._said: tuple[str, int] | None = None

    def draw(self, row: WorkProgress) -> None:
        if row["status"] in ENDED:
            return
        percent = row.get("encoding_progress") or 0
        place = (step_title(row), percent // LINE_EVERY_PERCENT)
        if place == self._said:
            return
        self._said = place
        say("  ".join(part for part in (f"{percent:>3} %", step_title(row), left(row)) if part))
