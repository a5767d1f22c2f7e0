"""Ctrl-C and its like: the first one begins an orderly end, later ones hurry it, none breaks it off."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# SIGHUP comes when the terminal is closed.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants this program to end. Like KeyboardInterrupt, no handler of errors may take it for one."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """The first stop signal raises `Interrupted` in the main thread; each later one sets the event that is yielded.

    So whoever stops servers while it unwinds is never interrupted itself, only told to be quick.
    """
    hurry = threading.Event()
    came: list[int] = []

    def receive(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            hurry.set()
        else:
            raise Interrupted(number)

    before = {number: signal.signal(number, receive) for number in STOP_SIGNALS}
    try:
        yield hurry
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
