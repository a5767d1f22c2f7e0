"""Ending processes: by ever harder signals, in seconds that are counted, and also those of an earlier run."""

import json
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_S = 0.03
KILLED_WITHIN_S = 10.0
# psutil derives create_time from the boot time, which moves when the clock is set.
CREATE_TIME_TOLERANCE_S = 2.0

Stopping = Sequence[tuple[signal.Signals, float]]
"""The signals that end a program, from polite to hard, each with the seconds until the next; SIGKILL comes last."""


@dataclass(frozen=True)
class Leftover:
    """A server that outlived whoever started it."""

    name: str
    process: psutil.Process
    stopping: Stopping


def end_process(process: psutil.Process, stopping: Stopping, hurry: threading.Event) -> None:
    """Returns once the process is gone. Its whole tree is killed where asking does not help, or `hurry` is set."""
    for number, patience_s in stopping:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        if _is_gone_within(process, patience_s, hurry):
            return
    kill_tree(process)


def kill_tree(process: psutil.Process) -> None:
    """Kill the process with all that descend from it, sessions of their own or not."""
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=KILLED_WITHIN_S)


def find_leftovers(records: Path) -> list[Leftover]:
    """The living processes that the records name, newest first; records of dead ones are removed."""
    leftovers = []
    for path in records.glob("*.json"):
        leftover = _read_record(path)
        if leftover is None:
            path.unlink(missing_ok=True)
        else:
            leftovers.append(leftover)
    return sorted(leftovers, key=lambda leftover: leftover.process.create_time(), reverse=True)


def is_same_process(pid: int, create_time: float) -> bool:
    """Whether the process with this pid still is the one that began then."""
    try:
        process = psutil.Process(pid)
        began = process.create_time()
        is_alive = process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    return is_alive and abs(began - create_time) < CREATE_TIME_TOLERANCE_S


def _read_record(path: Path) -> Leftover | None:
    """A record that a crash cut short names nobody."""
    with suppress(ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        record = json.loads(path.read_text())
        if is_same_process(record["pid"], record["create_time"]):
            stopping = [(signal.Signals(number), float(seconds)) for number, seconds in record["stopping"]]
            return Leftover(path.stem, psutil.Process(record["pid"]), stopping)
    return None


def _is_gone_within(process: psutil.Process, patience_s: float, hurry: threading.Event) -> bool:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and not hurry.is_set():
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(POLL_S)
    return False
