"""What a running job sees of the world: a scratch folder, its source, a place for its outputs, and named steps.

A job is a function from its Spec and a `Workplace` to its Outcome. Where the source comes from and where outputs
go (presigned URLs, or a folder of this machine) is decided by `pipeline.execution.entrypoint` alone.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import OutputFile, Step, StepTime
from pipeline.contracts.transcode import Source

Report = Callable[[float], None]
"""Told how much of a step is done, from 0 to 1. It may be called often: it limits its own rate."""


class Workplace(Protocol):
    """Everything in it raises `PermanentError` or `TransientError`; SIGTERM raises `TransientError(TERMINATED)`."""

    @property
    def scratch(self) -> Path:
        """An empty folder of this attempt's own, removed at its end."""

    @property
    def devices(self) -> DeviceWish:
        """What this attempt may work with, as its environment says."""

    def step(self, step: Step) -> AbstractContextManager[Report]:
        """Time a step and report its progress."""

    @property
    def step_times(self) -> tuple[StepTime, ...]:
        """Of the steps that have ended."""

    def check_source(self, source: Source) -> None:
        """Ask for the first byte: raises SOURCE_GONE, or SOURCE_CHANGED where size or ETag differ from the spec."""

    def fetch_source(self, source: Source, target: Path, report: Report) -> None:
        """Bring the source to `target`, below `scratch`; raises as `check_source` does, and DISK_FULL."""

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        """Store files of the folder `root` under their paths; all are stored when it returns. Repeatable."""
