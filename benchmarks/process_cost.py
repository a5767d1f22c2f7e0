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
DEADLINE_S = 3600.0


@dataclass(frozen=True)
class Cost:
    """`memory` is what all processes of the tree held together, shared pages counted once (PSS)."""

    wall_s: float
    cpu_s: float
    memory: tuple["MemorySample", ...]

    @property
    def peak_mib(self) -> float:
        return max((sample.mib for sample in self.memory), default=0.0)

    def peaks_mib(self, parts: int) -> list[float]:
        """The peak in each of so many equal parts of the wall time; 0 where nothing was sampled."""
        peaks = [0.0] * parts
        for sample in self.memory:
            part = min(parts - 1, int(parts * sample.at_s / self.wall_s))
            peaks[part] = max(peaks[part], sample.mib)
        return peaks


@dataclass(frozen=True)
class MemorySample:
    at_s: float
    mib: float


def run_measured(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    sample_every_s: float = SAMPLE_EVERY_S,
    deadline_s: float = DEADLINE_S,
) -> Cost:
    """Run a command to its end; raises RuntimeError with its last words when it fails.

    A sample costs milliseconds, which belong to whoever measures: a long run is sampled less often.
    """
    began = time.monotonic()
    before = os.times()
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        memory = _Memory(process.pid, began=began, every_s=sample_every_s)
        try:
            _, errors = process.communicate(timeout=deadline_s)
        finally:
            process.kill()
            samples = memory.stop()
    after = os.times()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {errors[-500:]}")
    return Cost(
        wall_s=time.monotonic() - began,
        # Of children that were waited for, and of theirs: nothing else of this process ends meanwhile.
        cpu_s=after.children_user - before.children_user + after.children_system - before.children_system,
        memory=tuple(samples),
    )


class _Memory:
    def __init__(self, pid: int, *, began: float, every_s: float) -> None:
        self._root = psutil.Process(pid)
        self._began = began
        self._every_s = every_s
        self._done = Event()
        self._samples: list[MemorySample] = []
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> list[MemorySample]:
        self._done.set()
        self._thread.join()
        return self._samples

    def _watch(self) -> None:
        while not self._done.wait(self._every_s):
            self._samples.append(MemorySample(time.monotonic() - self._began, self._sum() / MIB))

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
