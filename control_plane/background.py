"""Loops that run beside the API: each does its work every so often, or at once when it is woken.

A loop outlives any error of its work: the error is logged, and the pause before the next round grows.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Self

from pipeline.logs import bind_log_context, get_logger

LONGEST_PAUSE_S = 30.0
# A round may be in the middle of a call to the executor or the store, which have timeouts of their own.
STOP_WITHIN_S = 20.0

logger = get_logger(__name__)


@dataclass(frozen=True)
class Chore:
    """`work` is told by `stopping` to leave early."""

    name: str
    every_s: float
    work: Callable[[Event], None]


def pause_after_failure_s(pause_s: float, *, every_s: float) -> float:
    """After the pause before the round that failed. A rare chore does not become a frequent one by failing."""
    return min(max(pause_s * 2, 1.0), max(LONGEST_PAUSE_S, every_s))


class _Loop:
    def __init__(self, chore: Chore, stopping: Event) -> None:
        self._chore = chore
        self._stopping = stopping
        self._wanted = Event()
        self._thread = Thread(target=self._run, name=chore.name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._wanted.set()

    def join(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause_s = self._chore.every_s
        with bind_log_context(loop=self._chore.name):
            while not self._stopping.is_set():
                # Before the work: whoever wakes it while it works wants another round.
                self._wanted.clear()
                try:
                    self._chore.work(self._stopping)
                    pause_s = self._chore.every_s
                except Exception:
                    # The boundary of this loop: nothing above it could do more than this.
                    pause_s = pause_after_failure_s(pause_s, every_s=self._chore.every_s)
                    logger.exception("round_failed", next_in_s=pause_s)
                self._wanted.wait(pause_s)


class Background(AbstractContextManager["Background"]):
    """The loops of this process; leaving it stops them and waits for the round that each is in."""

    def __init__(self) -> None:
        self._stopping = Event()
        self._loops: dict[str, _Loop] = {}

    def start(self, chore: Chore) -> None:
        self._loops[chore.name] = _Loop(chore, self._stopping)

    def wake(self, name: str) -> None:
        """Have a loop work at once; does nothing in a process that does not run it."""
        loop = self._loops.get(name)
        if loop is not None:
            loop.wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for loop in self._loops.values():
            loop.wake()
        for name, loop in self._loops.items():
            if not loop.join(STOP_WITHIN_S):
                logger.error("loop_did_not_stop", loop=name, within_s=STOP_WITHIN_S)
