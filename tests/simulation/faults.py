"""What goes wrong, drawn from the seed: calls that are refused, calls whose answer is lost, processes that die."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TypeVar

ResultT = TypeVar("ResultT")

LEAST, MOST = 0.05, 0.25


class Killed(BaseException):
    """The process that made the call is gone; nothing in it hears of anything."""


class Faults:
    """Each call fails with the probability `rate`; `counts` says how often each way to fail was chosen."""

    def __init__(self, random: Random, *, rate: float) -> None:
        self.random = random
        self.rate = rate
        self.counts: Counter[str] = Counter()

    @property
    def are_on(self) -> bool:
        return self.rate > 0

    def stop(self) -> None:
        self.rate = 0.0

    def strike(self, what: str, *, share: float = 1.0) -> bool:
        """Whether a fault that is `share` times as likely as others happens now."""
        if self.rate == 0 or self.random.random() >= self.rate * share:
            return False
        self.counts[what] += 1
        return True

    def call(
        self,
        name: str,
        act: Callable[[], ResultT],
        *,
        error: Callable[[], Exception],
        undo: Callable[[], None] = lambda: None,
        share: float = 1.0,
    ) -> ResultT:
        """Make a call that may fail before it was heard, after it was heard, or take its caller with it.

        `undo` is for what ends with a call that is not made.
        """
        if self.rate == 0 or self.random.random() >= self.rate * share:
            return act()
        way = self.random.choices(("refused", "answer_lost", "killed_before", "killed_after"), (3, 3, 1, 1))[0]
        self.counts[f"{name} {way}"] += 1
        if way in ("answer_lost", "killed_after"):
            act()
        else:
            undo()
        raise Killed(name) if way.startswith("killed") else error()
