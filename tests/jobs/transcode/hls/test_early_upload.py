"""Segments are stored while later ones are encoded; what ends the storing ends the encoding."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from jobs.transcode.hls import early_upload
from jobs.transcode.hls.early_upload import EarlyUpload, Run
from jobs.transcode.hls.layout import segment_name
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.envelope import OutputFile
from pipeline.contracts.transcode import STEPS
from pipeline.errors import TransientError
from pipeline.execution.files.local_files import LocalFiles
from pipeline.execution.step_clock import Report, StepClock
from pipeline.execution.workplace import Workplace
from pipeline.progress.news import ProgressNews
from pipeline.reasons import Reason
from tests.fixtures.waiting import wait_for


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_upload, "LOOK_EVERY_S", 0.01)


class Silent:
    def show(self, news: ProgressNews) -> None:
        """Nobody looks."""


class Stored(LocalFiles):
    """A folder that says when something has come, and may be `gone`."""

    gone = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "stored")
        self.came = Event()
        clock = StepClock(STEPS, Silent(), on_report=lambda: None)
        self.work = Workplace(folder, clock, files=self, devices=DeviceWish())

    def publish(self, root: Path, files: Sequence[OutputFile], report: Report) -> None:
        if self.gone:
            raise TransientError(Reason.STORAGE_UNAVAILABLE, "gone")
        super().publish(root, files, report)
        self.came.set()

    def names(self) -> set[str]:
        return {path.relative_to(self._outputs).as_posix() for path in self._outputs.rglob("*.m4s")}


def write(output: Path, folder: str, *numbers: int) -> None:
    (output / folder).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (output / folder / segment_name(number)).write_bytes(b"segment")


def test_a_segment_is_stored_as_soon_as_the_next_one_is_there(tmp_path: Path):
    store, output = Stored(tmp_path), tmp_path / "output"
    with EarlyUpload(store.work, output, [Run("v1", range(3)), Run("audio", range(3))]) as early:
        write(output, "v1", 0, 1)
        write(output, "audio", 0)
        wait_for(lambda: store.names() == {"v1/00000.m4s"}, "the first one is stored")
        write(output, "audio", 1, 2)
        write(output, "v1", 2)
        wait_for(lambda: len(store.names()) == 4, "four are stored")
    # The last ones might still be written to.
    assert early.stored == store.names() == {"v1/00000.m4s", "v1/00001.m4s", "audio/00000.m4s", "audio/00001.m4s"}


def test_a_part_s_last_segment_is_not_taken_for_whole_because_the_next_part_has_begun(tmp_path: Path):
    store, output = Stored(tmp_path), tmp_path / "output"
    with EarlyUpload(store.work, output, [Run("v1", range(2)), Run("v1", range(2, 4))]) as early:
        write(output, "v1", 0, 2, 3)
        wait_for(lambda: store.names() == {"v1/00002.m4s"}, "the third one is stored")
        write(output, "v1", 1)
        wait_for(lambda: len(store.names()) == 2, "two are stored")
    assert early.stored == {"v1/00000.m4s", "v1/00002.m4s"}


def fails(early: EarlyUpload) -> bool:
    try:
        early.check()
    except TransientError:
        return True
    return False


def test_a_store_that_is_gone_is_told_while_the_encoder_is_at_work(tmp_path: Path):
    store, output = Stored(tmp_path), tmp_path / "output"
    store.gone = True
    write(output, "v1", 0, 1)

    def encode() -> None:
        with EarlyUpload(store.work, output, [Run("v1", range(2))]) as early:
            wait_for(lambda: fails(early), "it fails")

    with pytest.raises(TransientError, match="gone"):
        encode()


def test_nothing_is_sent_after_the_encoding_has_failed(tmp_path: Path):
    store, output = Stored(tmp_path), tmp_path / "output"

    def encode() -> None:
        with EarlyUpload(store.work, output, [Run("v1", range(2))]):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        encode()
    write(output, "v1", 0, 1)
    assert not store.came.wait(0.1)
