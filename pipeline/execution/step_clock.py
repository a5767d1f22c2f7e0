"""How far a job is: steps with weights become one percentage that never goes back, and a guess at what remains."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from pipeline.contracts.envelope import Step, StepTime
from pipeline.progress.news import ProgressNews, ProgressSink

# Below this much work and time, elapsed / done says more about the start-up than about the rest.
MEANINGFUL_PERCENT = 3.0
MEANINGFUL_S = 2.0

Report = Callable[[float], None]
"""Told how much of a step is done, from 0 to 1. It may be called often: it limits its own rate."""


class StepClock:
    """Times steps and tells the sink. `on_report` is called with every report and may raise to end the job."""

    def __init__(
        self,
        steps: Sequence[Step],
        sink: ProgressSink,
        *,
        on_report: Callable[[], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._steps = tuple(steps)
        self._sink = sink
        self._on_report = on_report
        self._now = now
        self._began = now()
        self._lock = Lock()
        self._percent = 0.0
        self._times: list[StepTime] = []

    @property
    def step_times(self) -> tuple[StepTime, ...]:
        """Of the steps that have ended, well or badly."""
        return tuple(self._times)

    @contextmanager
    def step(self, step: Step) -> Iterator[Report]:
        if step not in self._steps:
            raise ValueError(f"step {step.name!r} is not one of this job's: {[s.name for s in self._steps]}")
        self._on_report()
        began = self._now()
        furthest = 0.0

        def report(fraction: float) -> None:
            nonlocal furthest
            self._on_report()
            with self._lock:
                furthest = max(furthest, _clamped(fraction))
                self._tell(step, furthest)

        report(0.0)
        try:
            yield report
        finally:
            self._times.append(StepTime(name=step.name, seconds=round(self._now() - began, 3)))
        report(1.0)

    def _tell(self, step: Step, fraction: float) -> None:
        total = sum(s.weight for s in self._steps)
        before = sum(s.weight for s in self._steps if s.index < step.index)
        self._percent = max(self._percent, 100.0 * (before + step.weight * fraction) / total)
        self._sink.show(
            ProgressNews(
                percent=self._percent,
                remaining_s=self._remaining_s(),
                step=step,
                step_total=len(self._steps),
                step_percent=100.0 * fraction,
            )
        )

    def _remaining_s(self) -> float | None:
        elapsed = self._now() - self._began
        if self._percent < MEANINGFUL_PERCENT or elapsed < MEANINGFUL_S:
            return None
        return elapsed * (100.0 - self._percent) / self._percent


def _clamped(fraction: float) -> float:
    return min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else 0.0
