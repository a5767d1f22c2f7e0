"""A workplace in a container or a local job process: the source and the outputs are presigned URLs."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import requests

from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import OutputFile, Step, StepTime
from pipeline.contracts.transcode import Source
from pipeline.execution.object_transfer import SourceReader
from pipeline.execution.publisher import Publisher
from pipeline.execution.step_clock import StepClock
from pipeline.execution.workplace import Report


class PresignedWorkplace:
    """Implements `Workplace` over HTTP."""

    def __init__(
        self,
        scratch: Path,
        clock: StepClock,
        *,
        session: requests.Session,
        publisher: Publisher,
        devices: DeviceWish,
    ) -> None:
        self._scratch = scratch
        self._clock = clock
        self._devices = devices
        self._session = session
        self._publisher = publisher

    @property
    def scratch(self) -> Path:
        return self._scratch

    @property
    def devices(self) -> DeviceWish:
        return self._devices

    def step(self, step: Step) -> AbstractContextManager[Report]:
        return self._clock.step(step)

    @property
    def step_times(self) -> tuple[StepTime, ...]:
        return self._clock.step_times

    def check_source(self, source: Source) -> None:
        SourceReader(self._session, source).check()

    def fetch_source(self, source: Source, target: Path, report: Report) -> None:
        SourceReader(self._session, source).download(target, lambda have: report(have / source.size_bytes))

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        self._publisher.publish(root, files, report)
