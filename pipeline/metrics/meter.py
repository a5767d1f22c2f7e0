"""Where measurements go."""

from collections.abc import Iterable
from typing import Protocol

from pipeline.metrics.metric import Measurement


class Meter(Protocol):
    """Takes measurements from any thread, fast, and raises nothing: no work is lost for a figure."""

    def record(self, measurements: Iterable[Measurement]) -> None: ...

    def flush(self) -> None:
        """Let go of what is still held back."""


class Meters:
    """Several at once, or none."""

    def __init__(self, *meters: Meter) -> None:
        self._meters = meters

    def record(self, measurements: Iterable[Measurement]) -> None:
        kept = tuple(measurements)
        if kept:
            for meter in self._meters:
                meter.record(kept)

    def flush(self) -> None:
        for meter in self._meters:
            meter.flush()
