"""Several parts at a time: what they tell adds up, and the first that fails ends the others."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Lock

import pytest

from jobs.transcode import encode_parts as module
from jobs.transcode.encode import CoverageFacts, EncodeReport, TrackFacts
from jobs.transcode.encode_parts import encode_parts
from jobs.transcode.parts import Part, cut
from jobs.transcode.plan import Plan
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.errors import PermanentError, TransientError
from pipeline.reasons import Reason
from tests.jobs.transcode.test_parts import plan_of, report

WITHIN_S = 10.0
PLAN = plan_of(seconds=16, sound=False)
PARTS = cut(PLAN, 2)
EncodeOne = Callable[[Part, Callable[[float], None]], EncodeReport]


def of_part(part: Part, *, broken: int = 0, decoder: str = "h264") -> EncodeReport:
    made = report(part.first_segment, broken=broken)
    covered = CoverageFacts(pictures=200, broken=broken, ends_s=float(4 * part.end_segment))
    return made.model_copy(update={"coverage": covered, "decoder": decoder})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., EncodeReport]:
    """Encodes PARTS with a function in the place of the process."""

    def run_with(one: EncodeOne, progress: Callable[[float], None] = lambda _: None, workers: int = 2) -> EncodeReport:
        def encode(_plan: Plan, part: Part, *, progress: Callable[[float], None], **_: object) -> EncodeReport:
            return one(part, progress)

        monkeypatch.setattr(module, "encode", encode)
        return encode_parts(
            PLAN, PARTS, workers=workers, source=tmp_path, output=tmp_path, devices=DeviceWish(),
            limits=TranscodeLimits(), progress=progress,
        )  # fmt: skip

    return run_with


def test_progress_adds_up_over_the_parts(run: Callable[..., EncodeReport]):
    told: list[float] = []
    both_at_half = Barrier(2, timeout=WITHIN_S)

    def one(part: Part, progress: Callable[[float], None]) -> EncodeReport:
        progress(0.5)
        both_at_half.wait()
        progress(1.0)
        return of_part(part)

    run(one, told.append)
    # Half of the pictures are in each.
    assert sorted(told) == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_the_first_failure_ends_the_parts_that_are_at_work(run: Callable[..., EncodeReport]):
    ended: list[int] = []

    def one(part: Part, progress: Callable[[float], None]) -> EncodeReport:
        if part.first_segment:
            raise PermanentError(Reason.CORRUPT, "broken")
        deadline = time.monotonic() + WITHIN_S
        try:
            while time.monotonic() < deadline:
                progress(0.1)
                time.sleep(0.01)
        finally:
            ended.append(part.first_segment)
        return of_part(part)

    began = time.monotonic()
    with pytest.raises(PermanentError, match="broken"):
        run(one)
    assert ended == [0]
    assert time.monotonic() - began < WITHIN_S / 2


def test_what_news_are_told_to_may_end_all_parts(run: Callable[..., EncodeReport]):
    """A store that is gone, a job that is asked to stop."""

    def refuse(_done: float) -> None:
        raise TransientError(Reason.STORAGE_UNAVAILABLE, "gone")

    def one(part: Part, progress: Callable[[float], None]) -> EncodeReport:
        progress(0.1)
        return of_part(part)

    with pytest.raises(TransientError, match="gone"):
        run(one, refuse)


def test_no_more_parts_are_at_work_than_were_asked_for(run: Callable[..., EncodeReport]):
    lock, now, most = Lock(), 0, 0

    def one(part: Part, _progress: Callable[[float], None]) -> EncodeReport:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return of_part(part)

    run(one, workers=1)
    assert most == 1


def test_damage_is_judged_over_all_parts(run: Callable[..., EncodeReport]):
    """Two broken pictures of 400 pass, six do not, wherever they are."""
    written = run(lambda part, _: of_part(part, broken=1))
    assert written.coverage.broken == 2
    with pytest.raises(PermanentError, match="6 of"):
        run(lambda part, _: of_part(part, broken=3))


def test_what_a_gpu_finds_damaged_is_tried_again(run: Callable[..., EncodeReport]):
    with pytest.raises(TransientError, match="NVDEC found CORRUPT"):
        run(lambda part, _: of_part(part, broken=3, decoder="h264_cuvid"))


def test_the_sound_alone_is_made_beside_the_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    heard = report(0).renditions[0].model_copy(update={"folder": "audio"})

    def encode(_plan: Plan, part: Part, **_: object) -> EncodeReport:
        return of_part(part)

    def encode_sound_alone(_plan: Plan, *, progress: Callable[[float], None], **_: object) -> TrackFacts:
        progress(1.0)
        return heard

    monkeypatch.setattr(module, "encode", encode)
    monkeypatch.setattr(module, "encode_sound_alone", encode_sound_alone)
    plan = plan_of(seconds=16)
    told: list[float] = []
    written = encode_parts(
        plan, cut(plan, 2), workers=2, source=tmp_path, output=tmp_path, devices=DeviceWish(),
        limits=TranscodeLimits(), progress=told.append,
    )  # fmt: skip
    assert written.audio == heard
    assert told == [module.SOUND_SHARE]
