"""Stores segments while later ones are encoded, so that little is left to send at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from jobs.transcode.hls.layout import segment_name
from jobs.transcode.hls.publish import describe
from pipeline.errors import JobError
from pipeline.execution.workplace import Workplace

LOOK_EVERY_S = 1.0
# A thread that was told to stop is waited for so long; what it still sends is named by no playlist.
JOIN_S = 5.0


@dataclass(frozen=True)
class Run:
    """Segments of a folder that are written one behind the other."""

    folder: str
    segments: range


class EarlyUpload:
    """Sends what is written of `runs` below `output`, in a thread of its own, from entering until leaving.

    A segment is whole when the one after it in its run is there. Nothing that names segments is sent here: what a
    failed attempt leaves behind is found by nobody.
    """

    def __init__(self, work: Workplace, output: Path, runs: Sequence[Run]) -> None:
        self.stored: set[str] = set()
        self._work = work
        self._output = output
        self._next = {run: run.segments.start for run in runs}
        self._stop = Event()
        self._error: JobError | OSError | None = None
        self._thread = Thread(target=self._run, name="early-upload", daemon=True)

    def check(self) -> None:
        """Raise what has ended the sending, so that nobody encodes for a store that is gone."""
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(JOIN_S if error is not None else None)
        if error is None:
            self.check()

    def _run(self) -> None:
        try:
            while not self._stop.wait(LOOK_EVERY_S):
                self._send(self._whole_segments())
        except (JobError, OSError) as error:
            self._error = error

    def _whole_segments(self) -> list[str]:
        found = []
        for run in self._next:
            while (number := self._next[run]) + 1 < run.segments.stop:
                if not (self._output / run.folder / segment_name(number + 1)).exists():
                    break
                found.append(f"{run.folder}/{segment_name(number)}")
                self._next[run] = number + 1
        return found

    def _send(self, names: list[str]) -> None:
        if names:
            self._work.publish(self._output, [describe(self._output, name) for name in names], lambda _: None)
            self.stored.update(names)
