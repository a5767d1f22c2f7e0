"""The exit codes of a job, and what it leaves with when it is stopped before it has begun."""

import os
import signal
from types import FrameType

EXIT_DONE = 0
EXIT_PERMANENT = 65  # EX_DATAERR of sysexits.h: the input was bad
EXIT_TRANSIENT = 75  # EX_TEMPFAIL of sysexits.h: try again


def leave_when_stopped() -> None:
    """From now until the attempt begins, which takes signals over, SIGTERM and SIGINT end this process at once.

    It has told nobody anything yet, and its children, if any, end with it: another attempt loses nothing.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_TRANSIENT)
