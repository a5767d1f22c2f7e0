"""A rate that is never exceeded: whoever comes too early waits for the next token."""

import time
from collections.abc import Callable
from threading import Lock


class TokenBucket:
    """`rate_per_s` tokens a second, of which at most `size` are saved up; threads may share it.

    In no second are there more than both together. Processes that share a quota have a bucket each.
    """

    def __init__(
        self,
        rate_per_s: float,
        size: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate_per_s = rate_per_s
        self._size = size
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._tokens = float(size)
        self._counted_at = clock()

    def take(self) -> None:
        """Take a token; waits at most as long as those before in line need theirs."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._size, self._tokens + (now - self._counted_at) * self._rate_per_s) - 1
            self._counted_at = now
            # Tokens below nothing are promised: the wait is over when this one has been earned.
            wait_s = max(0.0, -self._tokens / self._rate_per_s)
        if wait_s > 0:
            self._sleep(wait_s)
