"""SIGTERM as an exception: a Spot reclaim, a timeout or Ctrl-C ends the work at once and is told as TERMINATED."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Timer, current_thread, main_thread
from types import FrameType
from typing import Self, TypeVar

from pipeline.errors import TransientError
from pipeline.execution.exit_codes import EXIT_TRANSIENT
from pipeline.reasons import Reason

# Batch, ECS and the local executor send SIGKILL 30 s after SIGTERM. The report must be out well before.
EXIT_WITHIN_S = 18.0


ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Raised:
    """What ended the work before it had a result."""

    error: BaseException


class Termination:
    """While it is entered, SIGTERM and SIGINT raise `TransientError(TERMINATED)` in the main thread, once.

    An exception raised by a signal handler can be lost, in a destructor for example; `raise_if_asked` raises it
    again at the next step. A process that is still there after `EXIT_WITHIN_S` ends without cleaning up. Afterwards
    both signals are ignored: how the job ended has been told, and the exit code must say the same while Python leaves.
    """

    def __init__(self) -> None:
        self.asked = Event()
        self._held = False
        self._raised = False
        self._watchdog = Timer(EXIT_WITHIN_S, _exit_now)
        self._watchdog.daemon = True

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._watchdog.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def raise_if_asked(self) -> None:
        if self.asked.is_set() and not self._held and current_thread() is main_thread():
            raise TransientError(Reason.TERMINATED, "asked to stop")

    def settle(self, work: Callable[[], ResultT]) -> "ResultT | Raised":
        """Call `work`; whatever ends it is returned, and from then on signals are only noted in `asked`.

        This is the process boundary: the one place that catches everything. What is told after it must be told.
        """
        try:
            ended = _ended(work)
            self._held = True
        except TransientError as exc:
            # The signal, which raises once, fell between the end of the work and the line above.
            self._held = True
            return Raised(exc)
        return ended

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self.asked.is_set():
            self.asked.set()
            self._watchdog.start()
        if not self._held and not self._raised:
            self._raised = True
            raise TransientError(Reason.TERMINATED, "asked to stop")


def _ended(work: Callable[[], ResultT]) -> "ResultT | Raised":
    try:
        return work()
    except BaseException as exc:  # noqa: BLE001  # see Termination.settle
        return Raised(exc)


def _exit_now() -> None:
    sys.stderr.write(f"still running {EXIT_WITHIN_S:.0f} s after being asked to stop: leaving\n")
    sys.stderr.flush()
    os._exit(EXIT_TRANSIENT)
