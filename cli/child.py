"""A job's code as a child process: the command line imports no decoder, and what stops us stops it first."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO, Any, Final

from cli.output import say

# A job that is told to stop must be gone within 20 s; the executor kills it after 30.
STOP_WITHIN_S: Final = 30.0
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ToldToStop(Exception):
    """One of STOP_SIGNALS has arrived."""


def run_module(arguments: Sequence[str], *, stdout: IO[Any] | None = None) -> int:
    """Run `python -m` with these arguments: its exit code, 128 + the signal's number where one killed it.

    `stdout` None is our own.
    """
    with _started(arguments, stdout) as child:
        return _until_it_ends(child, child.wait)


def read_module(arguments: Sequence[str], take: Callable[[str], None]) -> int:
    """The same, with each line of its stdout handed to `take` as it comes."""
    with _started(arguments, subprocess.PIPE) as child:

        def take_all() -> int:
            assert child.stdout is not None
            for line in child.stdout:
                take(line.decode(errors="replace"))
            return child.wait()

        return _until_it_ends(child, take_all)


def _started(arguments: Sequence[str], stdout: IO[Any] | int | None) -> subprocess.Popen[bytes]:
    # In a process group of its own, or Ctrl-C would reach the job as SIGINT besides the SIGTERM that it knows.
    return subprocess.Popen([sys.executable, "-m", *arguments], stdout=stdout, process_group=0)


def _until_it_ends(child: subprocess.Popen[bytes], wait: Callable[[], int]) -> int:
    with _signals_raise():
        try:
            code = wait()
        except ToldToStop:
            code = _stop(child)
    return code if code >= 0 else 128 - code


def _stop(child: subprocess.Popen[bytes]) -> int:
    """End the child, however often we are told to stop meanwhile."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    say("Stopping …")
    child.terminate()
    try:
        return child.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


@contextmanager
def _signals_raise() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise ToldToStop

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
