"""Pictures and sound at the same time: what they tell adds up, and the first that fails ends the other."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Barrier

import pytest

from jobs.transcode.encoding import encode_with_sound as module
from jobs.transcode.encoding.encode import EncodeReport, TrackFacts
from jobs.transcode.encoding.encode_with_sound import encode_with_sound
from jobs.transcode.parts.cutting import cut
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.errors import PermanentError, TransientError
from pipeline.reasons import Reason
from tests.jobs.transcode.parts.test_cutting import plan_of, report

WITHIN_S = 60.0
PLAN = plan_of(seconds=16)
Tell = Callable[[float], None]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[EncodeReport, TrackFacts]]:
    """With functions in the place of the processes."""

    def run_with(
        pictures: Callable[[Tell], object], sound: Callable[[Tell], object], progress: Tell = lambda _: None
    ) -> tuple[EncodeReport, TrackFacts]:
        heard = report(0).renditions[0].model_copy(update={"folder": "audio"})

        def encode(*_: object, progress: Tell, **__: object) -> EncodeReport:
            pictures(progress)
            return report(0)

        def encode_sound_alone(*_: object, progress: Tell, **__: object) -> TrackFacts:
            sound(progress)
            return heard

        monkeypatch.setattr(module, "encode", encode)
        monkeypatch.setattr(module, "encode_sound_alone", encode_sound_alone)
        return encode_with_sound(
            PLAN, cut(PLAN, 2)[0], source=tmp_path, output=tmp_path, devices=DeviceWish(), limits=TranscodeLimits(),
            progress=progress,
        )  # fmt: skip

    return run_with


def test_progress_adds_up_and_both_are_told_of(run: Callable[..., tuple[EncodeReport, TrackFacts]]):
    told: list[float] = []
    both_at_half = Barrier(2, timeout=WITHIN_S)

    def work(tell: Tell) -> None:
        tell(0.5)
        both_at_half.wait()
        tell(1.0)

    written, heard = run(work, work, told.append)
    assert sorted(told) == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert (written.renditions[0].folder, heard.folder) == ("v1", "audio")


def test_the_first_failure_ends_the_other(run: Callable[..., object]):
    def fail(_tell: Tell) -> None:
        raise PermanentError(Reason.CORRUPT, "broken")

    came_to_its_end = []

    def go_on(tell: Tell) -> None:
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            tell(0.1)
            time.sleep(0.01)
        came_to_its_end.append(True)

    for pictures, sound in ((fail, go_on), (go_on, fail)):
        with pytest.raises(PermanentError, match="broken"):
            run(pictures, sound)
    assert not came_to_its_end


def test_what_news_are_told_to_may_end_both(run: Callable[..., object]):
    """A job that is asked to stop."""

    def refuse(_done: float) -> None:
        raise TransientError(Reason.TERMINATED, "asked to stop")

    with pytest.raises(TransientError, match="asked to stop"):
        run(lambda tell: tell(0.1), lambda tell: tell(0.1), refuse)
