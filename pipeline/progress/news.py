"""What is told about a job that works, and who may be told."""

from dataclasses import dataclass
from typing import Protocol

from pipeline.contracts.envelope import Step


@dataclass(frozen=True)
class ProgressNews:
    """Where a job is. Percentages are 0 to 100; `remaining_s` is None until it means something."""

    percent: float
    remaining_s: float | None
    step: Step
    step_total: int
    step_percent: float


class ProgressSink(Protocol):
    """Shows progress; it returns at once, raises nothing, and may leave out news that newer news replaces."""

    def show(self, news: ProgressNews) -> None: ...
