"""Progress of a run by hand: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from pipeline.progress.news import ProgressNews, ProgressSink

# A line for each tenth of a step is enough for a log.
PLAIN_LINE_EVERY_PERCENT = 10.0


@contextmanager
def open_display(stream: TextIO | None = None) -> Iterator[ProgressSink]:
    """A sink that draws on `stream`, stderr by default; a bar disappears at the end, lines stay."""
    target = stream or sys.stderr
    if not target.isatty():
        yield PlainDisplay(target)
        return
    with _open_bar(target) as bar:
        yield bar


class PlainDisplay:
    """Writes a line when a step begins, at each tenth of it, and at its end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._step_index: int | None = None
        self._next_percent = 0.0

    def show(self, news: ProgressNews) -> None:
        if news.step.index != self._step_index:
            self._step_index = news.step.index
            self._next_percent = 0.0
        if news.step_percent < self._next_percent:
            return
        self._next_percent = (news.step_percent // PLAIN_LINE_EVERY_PERCENT + 1) * PLAIN_LINE_EVERY_PERCENT
        remaining = "" if news.remaining_s is None else f", about {news.remaining_s:.0f} s left"
        line = (
            f"[{news.step.index}/{news.step_total}] {news.step.name} {news.step_percent:.0f} %"
            f" (all {news.percent:.0f} %{remaining})"
        )
        self._stream.write(line + "\n")
        self._stream.flush()


@contextmanager
def _open_bar(stream: TextIO) -> Iterator[ProgressSink]:
    # Only a terminal needs rich; a container's process stays small.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.fields[step]}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[remaining]}"),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        task = progress.add_task("", total=100.0, step="", remaining="")

        class Bar:
            def show(self, news: ProgressNews) -> None:
                progress.update(
                    task,
                    completed=news.percent,
                    step=f"{news.step.display_en} ({news.step.index}/{news.step_total})",
                    remaining="" if news.remaining_s is None else f"{news.remaining_s:.0f} s left",
                )

        yield Bar()
