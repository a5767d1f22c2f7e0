"""A workplace of a run by hand: the source is a file of this machine, and the outputs go to a folder of it."""

import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import OutputFile, Step, StepTime
from pipeline.contracts.transcode import Source
from pipeline.errors import PermanentError
from pipeline.execution.step_clock import StepClock
from pipeline.execution.workplace import Report
from pipeline.reasons import Reason


class FolderWorkplace:
    """Implements `Workplace` over files: `outputs` is where `publish` puts them."""

    def __init__(self, scratch: Path, clock: StepClock, *, outputs: Path, devices: DeviceWish) -> None:
        self._scratch = scratch
        self._clock = clock
        self._devices = devices
        self._outputs = outputs

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
        path = _path_of(source)
        if not path.is_file():
            raise PermanentError(Reason.SOURCE_GONE, f"{path} is not a file")
        size_bytes = path.stat().st_size
        if size_bytes != source.size_bytes:
            raise PermanentError(Reason.SOURCE_CHANGED, f"it has {size_bytes} bytes, expected {source.size_bytes}")

    def fetch_source(self, source: Source, target: Path, report: Report) -> None:
        """A link is enough: nobody writes to a source."""
        self.check_source(source)
        target.symlink_to(_path_of(source))
        report(1.0)

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        for number, file in enumerate(files, start=1):
            target = self._outputs / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            _link_or_copy(root / file.path, target)
            report(number / len(files))


def _path_of(source: Source) -> Path:
    parts = urlsplit(source.url)
    if parts.scheme != "file":
        raise PermanentError(Reason.SOURCE_GONE, f"a run by hand reads files, not {parts.scheme!r} URLs")
    return Path(unquote(parts.path))


def _link_or_copy(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        # Some filesystems have no hard links; a full one says so again here.
        shutil.copyfile(path, target)
