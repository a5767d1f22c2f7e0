"""The files through which the local executor and the supervisor of an attempt know of each other.

Little is imported here: a supervisor is there for as long as its attempt, and should weigh nothing.
"""

import fcntl
import os
from datetime import datetime
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict


class Stored(BaseModel):
    """A value in a file. Fields that a newer version wrote are ignored: it may have been taken back."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AttemptRequest(Stored):
    """What a supervisor is told. The job's own variables, some of them secret, stay in a file of their own."""

    command: tuple[str, ...]
    working_folder: Path
    scratch: Path
    base_environment: dict[str, str]
    environment_file: Path
    attempt_environment: dict[str, str]
    timeout_s: float
    grace_s: float


class SessionRecord(Stored):
    """Which process leads an attempt's session. `pid_space` says where the number means anything."""

    pid: int
    pid_space: str
    created_at_s: float


class ExitRecord(Stored):
    """How an attempt ended; `exit_code` is None where nobody saw it end."""

    exit_code: int | None
    timed_out: bool
    stopped_at: datetime


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path`; readable by its owner only, and still whole after a power cut.

    A file has one writer. What a kill leaves half written is overwritten by the next write.
    """
    partial = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make sure that names made in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(file: IO[str] | IO[bytes]) -> bool:
    """Take the file's lock until the last descriptor of this opening is closed; False where somebody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
