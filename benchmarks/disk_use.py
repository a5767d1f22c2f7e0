"""How many bytes the files below a folder had at most while something worked in it."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self


class DiskUse:
    """Looks every `every_s` seconds, in a thread of its own, from entering until leaving."""

    def __init__(self, folder: Path, *, every_s: float) -> None:
        self.peak_bytes = 0
        self._folder = folder
        self._every_s = every_s
        self._done = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, bytes_below(self._folder))
            if self._done.wait(self._every_s):
                return


def bytes_below(folder: Path) -> int:
    """A file with several names counts once, and a link to one not at all."""
    return sum({status.st_ino: status.st_size for status in _files(folder)}.values())


def _files(folder: str | Path) -> Iterator[os.stat_result]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        yield from _files(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    # Moved or removed since the folder was read.
                    continue
    except FileNotFoundError:
        return
