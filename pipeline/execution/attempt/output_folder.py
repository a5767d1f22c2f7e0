"""The folder of a run by hand. Its outputs and its outcome always belong together, and foreign files stay untouched.

A run works in `.academy-incoming` and, when it ends well or badly, replaces everything that the run before it left. A
run that is killed replaces nothing. `.academy-outputs` lists the files that are ours, one path a line.
"""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from pipeline.contracts.envelope import OUTCOME_NAME

LIST_NAME = ".academy-outputs"
INCOMING_NAME = ".academy-incoming"


class FolderRefused(Exception):
    """The folder holds what is not ours, or another run works in it."""


class OutputFolder:
    """An output folder that this process has to itself; see `open_output_folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._list = folder / LIST_NAME
        self._incoming = folder / INCOMING_NAME
        shutil.rmtree(self._incoming, ignore_errors=True)
        self.outputs = self._incoming / "outputs"
        # Beside the outputs by default, so that publishing is linking and not copying.
        self.scratch = self._incoming / "scratch"
        self.outputs.mkdir(parents=True)

    def replace_contents(self, outcome_json: str) -> None:
        """Put the outputs of this run and its outcome in the place of what the last run left."""
        (self.outputs / OUTCOME_NAME).write_text(outcome_json, encoding="utf-8")
        self._replace()

    def replace_by_failure(self, outcome_json: str) -> None:
        """Put only the outcome there: outputs of a run that failed are not whole."""
        shutil.rmtree(self.outputs)
        self.outputs.mkdir()
        self.replace_contents(outcome_json)

    def _replace(self) -> None:
        old = _listed(self._list)
        new = sorted(path.relative_to(self.outputs).as_posix() for path in self.outputs.rglob("*") if path.is_file())
        foreign = [path for path in new if path not in old and os.path.lexists(self._folder / path)]
        if foreign:
            raise FolderRefused(f"{self._folder} holds files that are not ours and would be replaced: {foreign[:5]}")
        # First named, then made: a kill in between leaves nothing that the next run does not know as ours.
        _write_list(self._list, {*old, *new})
        # No outcome.json is there while it would not describe what is beside it.
        for path in sorted(old, key=lambda path: path != OUTCOME_NAME):
            _remove(self._folder, path)
        for path in sorted(new, key=lambda path: path == OUTCOME_NAME):
            (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.outputs / path).replace(self._folder / path)
        _write_list(self._list, new)


@contextmanager
def open_output_folder(folder: Path) -> Iterator[OutputFolder]:
    """Take a folder that does not exist, is empty, or holds outputs of an earlier run; raises `FolderRefused`."""
    with _taken(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise FolderRefused(f"another run works in {folder}") from exc
        try:
            yield OutputFolder(folder)
        finally:
            shutil.rmtree(folder / INCOMING_NAME, ignore_errors=True)


def _taken(folder: Path) -> IO[str]:
    """The open list of what is ours in it."""
    try:
        if folder.exists() and not folder.is_dir():
            raise FolderRefused(f"{folder} is not a folder")
        if folder.is_dir() and not (folder / LIST_NAME).is_file() and any(folder.iterdir()):
            raise FolderRefused(f"{folder} is not empty and holds no outputs of an earlier run; name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / LIST_NAME).open("a")
    except OSError as exc:
        raise FolderRefused(f"{folder} cannot be used: {exc.strerror}") from exc


def _listed(path: Path) -> set[str]:
    return {line for line in path.read_text(encoding="utf-8").splitlines() if _is_below(line)}


def _is_below(line: str) -> bool:
    path = PurePosixPath(line)
    return bool(line) and not path.is_absolute() and ".." not in path.parts


def _write_list(path: Path, names: Iterable[str]) -> None:
    # In place, since the open file is the lock.
    with path.open("r+", encoding="utf-8") as file:
        file.write("".join(f"{name}\n" for name in sorted(names)))
        file.truncate()


def _remove(folder: Path, name: str) -> None:
    """Remove a file of ours, and the folders that this leaves empty."""
    path = folder / name
    path.unlink(missing_ok=True)
    for parent in path.relative_to(folder).parents:
        if parent == Path() or any((folder / parent).iterdir()):
            return
        (folder / parent).rmdir()
