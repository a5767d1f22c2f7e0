"""What a running job sees of the world: a scratch folder, its source, a place for its outputs, and named steps.

A job is a function from its Spec and a `Workplace` to its Outcome. Where the source comes from and where outputs
go (presigned URLs, or a folder of this machine) is decided by `pipeline.execution.entrypoint` alone.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import OutputFile, Step, StepTime
from pipeline.contracts.transcode import Source
from pipeline.execution.step_clock import Report, StepClock


class Files(Protocol):
    """Where sources come from and outputs go."""

    def check_source(self, source: Source) -> None:
        """Ask for the first byte: raises SOURCE_GONE, or SOURCE_CHANGED where size or ETag differ from the spec."""

    def fetch_source(self, source: Source, target: Path, report: Report) -> None:
        """Bring the source to `target`; raises as `check_source` does, and DISK_FULL."""

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        """Store files of the folder `root` under their paths; all are stored when it returns. Repeatable."""


class Workplace:
    """Everything in it raises `PermanentError` or `TransientError`; SIGTERM raises `TransientError(TERMINATED)`.

    `scratch` is an empty folder of this attempt's own, removed at its end. `devices` is what the attempt may work
    with, as its environment says.
    """

    def __init__(self, scratch: Path, clock: StepClock, *, files: Files, devices: DeviceWish) -> None:
        self.scratch = scratch
        self.devices = devices
        self._clock = clock
        self._files = files

    def step(self, step: Step) -> AbstractContextManager[Report]:
        """Time a step and report its progress."""
        return self._clock.step(step)

    @property
    def step_times(self) -> tuple[StepTime, ...]:
        """Of the steps that have ended."""
        return self._clock.step_times

    def check_source(self, source: Source) -> None:
        self._files.check_source(source)

    def fetch_source(self, source: Source, target: Path, report: Report) -> None:
        self._files.fetch_source(source, target, report)

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        self._files.publish(root, files, report)
