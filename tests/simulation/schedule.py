"""Virtual time: what is to happen, in one order, on one thread. Nobody waits for a second to pass."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

EPOCH = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# Between two transactions, so that no two rows are of the same moment.
TICK_S = 1e-5

Action = Callable[[], None]


class Schedule:
    """`now_s` counts from `EPOCH`. Actions of the same moment happen in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._order = count()
        self._actions: list[tuple[float, int, Action]] = []
        self._loops: list[tuple[float, int, Action]] = []

    @property
    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now_s)

    @property
    def milliseconds(self) -> int:
        return round(self.now.timestamp() * 1000)

    @property
    def has_actions(self) -> bool:
        """Whether anything but loops is still to happen."""
        return bool(self._actions)

    def tick(self) -> datetime:
        self.now_s += TICK_S
        return self.now

    def after(self, delay_s: float, action: Action) -> None:
        heapq.heappush(self._actions, (self.now_s + delay_s, next(self._order), action))

    def loop_after(self, delay_s: float, action: Action) -> None:
        """As `after`, for what goes on for ever and so says nothing about whether all is done."""
        heapq.heappush(self._loops, (self.now_s + delay_s, next(self._order), action))

    def run_next(self) -> None:
        """The next action, loops included; time jumps to it."""
        heap = min((heap for heap in (self._actions, self._loops) if heap), key=lambda heap: heap[0])
        self._run(heap)

    def run_next_action_early(self) -> None:
        """What would have come next, now: somebody was faster than whoever asks."""
        if self._actions:
            self._run(self._actions)

    def _run(self, heap: list[tuple[float, int, Action]]) -> None:
        at_s, _, action = heapq.heappop(heap)
        self.now_s = max(self.now_s, at_s)
        action()
