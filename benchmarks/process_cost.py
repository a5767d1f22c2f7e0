"""What a command costs: wall time, CPU time of it and all its descendants, and the memory of the whole tree."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Thread

import psutil

MIB = 1024 * 1024
SAMPLE_EVERY_S = 0.05
DEADLINE_S = 3600


@dataclass(frozen=True)
class Cost:
    """`peak_mib` is the highest sum over all processes of the tree, shared pages counted once (PSS)."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def run_measured(command: Sequence[str], *, environment: Mapping[str, str]) -> Cost:
    """Run a command to its end; raises RuntimeError with its last words when it fails."""
    began = time.monotonic()
    before = os.times()
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        memory = _PeakMemory(process.pid)
        try:
            _, errors = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
            peak_mib = memory.stop()
    after = os.times()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {errors[-500:]}")
    return Cost(
        wall_s=time.monotonic() - began,
        # Of children that were waited for, and of theirs: nothing else of this process ends meanwhile.
        cpu_s=after.children_user - before.children_user + after.children_system - before.children_system,
        peak_mib=peak_mib,
    )


class _PeakMemory:
    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._done = Event()
        self._peak = 0
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self._peak / MIB

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE_EVERY_S):
            self._peak = max(self._peak, self._sum())

    def _sum(self) -> int:
        try:
            tree = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        total = 0
        for process in tree:
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return total
