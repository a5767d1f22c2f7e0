"""GPU or CPU: what the trials found decides, with the trials' answers put in; then the whole job with no GPU at all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from jobs.transcode.devices.decide import (
    NO_DEVICE,
    SESSION_WAITS_S,
    choose_decoder,
    choose_encoder,
    doubt,
    wish_of_part,
)
from jobs.transcode.devices.encoders import X264
from jobs.transcode.devices.engines import Engines
from jobs.transcode.planning.ladder import RungPlan
from pipeline.contracts.devices import DecoderWish, DeviceWish, EncoderWish
from pipeline.errors import PermanentError, TransientError
from pipeline.media import gpu
from pipeline.reasons import Reason
from tests.fixtures.media import Clip, make_clip
from tests.jobs.transcode.planning.test_plan import video

ROOT = Path(__file__).parents[4]
RUNGS = (
    RungPlan(name="240p", folder="v1", width=426, height=240, video_bps=400_000),
    RungPlan(name="720p", folder="v2", width=1280, height=720, video_bps=2_500_000),
)
NO_NVENC = f"OpenEncodeSessionEx failed: {gpu.NO_ENCODER}: (no details); No capable devices found"
NO_SESSION = f"OpenEncodeSessionEx failed: {gpu.SESSIONS_USED_UP}: (no details); No capable devices found"
NVENC, X264_WISH, AUTO = EncoderWish.NVENC, EncoderWish.X264, EncoderWish.AUTO


class Trials:
    """Answers of a GPU, one after the other; the last one stays."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = answers
        self.asked = 0
        self.waited_s: list[float] = []

    def __call__(self) -> str | None:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


def choose(trials: Trials, wish: DeviceWish, rungs: tuple[RungPlan, ...] = RUNGS) -> tuple[bool, str | None]:
    choice = choose_encoder(wish, rungs, trial=trials, pause=trials.waited_s.append)
    return choice.on_gpu, choice.note


@pytest.mark.parametrize("wish", [NVENC, AUTO])
def test_nvenc_is_used_where_its_trial_encodes(wish: EncoderWish):
    assert choose(Trials(None), DeviceWish(encoder=wish)) == (True, None)


def test_x264_is_used_without_touching_a_gpu_that_nobody_asked_for():
    trials = Trials(None)
    assert choose(trials, DeviceWish(encoder=X264_WISH)) == (False, None)
    assert trials.asked == 0


@pytest.mark.parametrize("problem", [NO_NVENC, NO_SESSION])
def test_auto_takes_x264_at_once_and_says_why(problem: str):
    trials = Trials(problem)
    assert choose(trials, DeviceWish(encoder=AUTO)) == (False, f"NVENC passed over: {problem}")
    assert trials.waited_s == []


def test_auto_says_nothing_of_a_gpu_that_nobody_has():
    assert choose(Trials(NO_DEVICE), DeviceWish(encoder=AUTO)) == (False, None)
    assert decode(Trials(NO_DEVICE), decoder=DecoderWish.AUTO) == (False, None)


def test_a_gpu_queue_without_nvenc_ends_the_first_attempt_to_be_tried_again():
    with pytest.raises(TransientError, match="unsupported device") as raised:
        choose(Trials(NO_NVENC), DeviceWish(encoder=NVENC, attempt=1))
    assert raised.value.reason == Reason.GPU_UNAVAILABLE


@pytest.mark.parametrize("attempt", [2, 3])
def test_a_gpu_queue_without_nvenc_ends_a_later_attempt_for_good(attempt: int):
    with pytest.raises(PermanentError, match="CPU_FALLBACK=1") as raised:
        choose(Trials(NO_NVENC), DeviceWish(encoder=NVENC, attempt=attempt))
    assert raised.value.reason == Reason.GPU_UNAVAILABLE


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_gpu_queue_may_be_allowed_to_work_on_the_cpu(attempt: int):
    on_gpu, note = choose(Trials(NO_NVENC), DeviceWish(encoder=NVENC, attempt=attempt, cpu_fallback=True))
    assert not on_gpu
    assert note == f"NVENC passed over: {NO_NVENC}"


def test_a_session_that_becomes_free_is_waited_for():
    trials = Trials(NO_SESSION, NO_SESSION, None)
    assert choose(trials, DeviceWish(encoder=NVENC)) == (True, None)
    assert trials.waited_s == list(SESSION_WAITS_S[:2])


@pytest.mark.parametrize("attempt", [1, 3])
def test_sessions_that_stay_used_up_are_always_worth_another_attempt(attempt: int):
    trials = Trials(NO_SESSION)
    with pytest.raises(TransientError, match="out of memory"):
        choose(trials, DeviceWish(encoder=NVENC, attempt=attempt))
    assert trials.waited_s == list(SESSION_WAITS_S)


def test_a_missing_encoder_is_not_waited_for():
    trials = Trials(NO_NVENC)
    with pytest.raises(TransientError):
        choose(trials, DeviceWish(encoder=NVENC))
    assert trials.waited_s == []


def test_pictures_too_small_for_nvenc_are_no_reason_to_give_up():
    tiny = (RungPlan(name="source", folder="v1", width=100, height=64, video_bps=400_000),)
    trials = Trials(None)
    on_gpu, note = choose(trials, DeviceWish(encoder=NVENC), tiny)
    assert not on_gpu
    assert note == "NVENC passed over: 100x64 is too small for it"
    assert trials.asked == 0


def decode(trials: Trials, codec: str = "h264", pixel_format: str = "yuv420p", **wish: Any) -> tuple[bool, str | None]:
    seen = video().model_copy(update={"pixel_format": pixel_format})
    choice = choose_decoder(DeviceWish(**wish), seen, codec=codec, trial=trials)
    return choice.on_gpu, choice.note


def test_nvdec_has_to_be_asked_for():
    trials = Trials(None)
    assert decode(trials) == (False, None)
    assert trials.asked == 0


@pytest.mark.parametrize("wish", [DecoderWish.AUTO, DecoderWish.NVDEC])
@pytest.mark.parametrize(("codec", "pixel_format"), [("h264", "yuv420p"), ("hevc", "yuv420p10le"), ("av1", "yuv420p")])
def test_nvdec_is_used_where_its_trial_decodes(wish: DecoderWish, codec: str, pixel_format: str):
    assert decode(Trials(None), codec, pixel_format, decoder=wish) == (True, None)


def test_nvdec_and_x264_go_together_on_a_gpu_without_nvenc():
    """An H100 has decoders and no encoder."""
    wish = DeviceWish(encoder=AUTO, decoder=DecoderWish.AUTO)
    assert choose(Trials(NO_NVENC), wish)[0] is False
    assert decode(Trials(None), decoder=wish.decoder)[0] is True


@pytest.mark.parametrize(("codec", "pixel_format"), [("prores", "yuv422p10le"), ("h264", "yuv444p"), ("vp9", "gbrp")])
@pytest.mark.parametrize("wish", [DecoderWish.AUTO, DecoderWish.NVDEC])
def test_what_no_nvdec_reads_goes_to_the_cpu(wish: DecoderWish, codec: str, pixel_format: str):
    trials = Trials(None)
    assert decode(trials, codec, pixel_format, decoder=wish) == (
        False,
        f"NVDEC passed over: it does not read {codec} in {pixel_format}",
    )
    assert trials.asked == 0


def test_auto_encodes_a_second_attempt_on_the_cpu():
    """Whatever the GPU did to the first one, once is enough; a queue's own wish for a GPU stands."""
    on_gpu, note = choose(Trials(None), DeviceWish(encoder=AUTO, attempt=2))
    assert (on_gpu, note) == (False, "NVENC passed over: this is attempt 2")
    assert choose(Trials(None), DeviceWish(encoder=NVENC, attempt=2)) == (True, None)


def test_auto_decodes_a_second_attempt_on_the_cpu():
    assert decode(Trials(None), decoder=DecoderWish.AUTO, attempt=2) == (False, "NVDEC passed over: this is attempt 2")


def test_an_nvdec_that_was_asked_for_and_fails_ends_the_attempt():
    with pytest.raises(TransientError, match="NVDEC was asked for"):
        decode(Trials("Failed loading nvcuvid."), decoder=DecoderWish.NVDEC)
    with pytest.raises(PermanentError):
        decode(Trials("Failed loading nvcuvid."), decoder=DecoderWish.NVDEC, attempt=2)
    assert decode(Trials("Failed loading nvcuvid."), decoder=DecoderWish.NVDEC, cpu_fallback=True) == (
        False,
        "NVDEC passed over: Failed loading nvcuvid.",
    )
    assert decode(Trials("Failed loading nvcuvid."), decoder=DecoderWish.AUTO)[0] is False


def engines(*, encodes_on_gpu: bool = False, decodes_on_gpu: bool = False) -> Engines:
    return Engines(
        encoder=X264,
        decoder_name="h264",
        decode=lambda packet: [],
        notes=(),
        encodes_on_gpu=encodes_on_gpu,
        decodes_on_gpu=decodes_on_gpu,
    )


DAMAGE = PermanentError(Reason.CORRUPT, "9 of 10 pictures are broken")


def test_a_verdict_of_nvdec_on_a_source_is_not_the_last_one():
    assert doubt(DAMAGE).detail == "NVDEC found CORRUPT: 9 of 10 pictures are broken"
    with pytest.raises(TransientError), engines(decodes_on_gpu=True).judging_failures(DeviceWish(attempt=1)):
        raise DAMAGE
    with pytest.raises(PermanentError), engines(decodes_on_gpu=True).judging_failures(DeviceWish(attempt=2)):
        raise DAMAGE
    with pytest.raises(PermanentError), engines(encodes_on_gpu=True).judging_failures(DeviceWish()):
        raise DAMAGE


@pytest.mark.parametrize("where", [{"encodes_on_gpu": True}, {"decodes_on_gpu": True}])
def test_a_gpu_that_fails_on_the_way_is_tried_again(where: dict[str, bool]):
    with pytest.raises(TransientError, match="failed on the way"), engines(**where).judging_failures(DeviceWish()):
        raise av.error.ExternalError(1, "Generic error in an external library")


def test_pictures_in_an_order_that_no_track_takes_are_the_gpus_fault():
    with pytest.raises(TransientError), engines(encodes_on_gpu=True).judging_failures(DeviceWish()):
        raise RuntimeError("v1: sample 7 comes more than 3 samples late")


def test_a_failure_of_ffmpeg_without_a_gpu_stays_what_it_is():
    with pytest.raises(av.error.ExternalError), engines().judging_failures(DeviceWish()):
        raise av.error.ExternalError(1, "Generic error in an external library")


RunJob = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def run_job(tmp_path: Path) -> RunJob:
    source = make_clip(tmp_path / "source.mp4", Clip(pictures=25, audio_channels=0))

    def run(**variables: str) -> tuple[int, dict[str, Any], str]:
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        ended = subprocess.run(
            [sys.executable, "-m", "jobs.transcode", str(source), str(tmp_path / "hls")],
            cwd=ROOT,
            env={**inherited, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        outcome = tmp_path / "hls" / "outcome.json"
        return ended.returncode, json.loads(outcome.read_text()) if outcome.exists() else {}, ended.stderr

    return run


needs_no_gpu = pytest.mark.skipif(gpu.has_device(), reason="this machine has a GPU")


@needs_no_gpu
def test_a_job_of_a_gpu_queue_on_a_machine_without_one_does_not_work_on_the_cpu(run_job: RunJob):
    code, outcome, words = run_job(ENCODER="nvenc")
    assert (code, outcome["reason"]) == (75, "GPU_UNAVAILABLE"), words
    assert outcome["detail"] == "NVENC was asked for, attempt 1: no NVIDIA device is here"
    code, outcome, words = run_job(ENCODER="nvenc", AWS_BATCH_JOB_ATTEMPT="2")
    assert (code, outcome["reason"]) == (65, "GPU_UNAVAILABLE"), words


@needs_no_gpu
def test_the_outcome_tells_what_was_used_and_what_was_passed_over(run_job: RunJob):
    code, outcome, words = run_job(ENCODER="nvenc", DECODER="auto", CPU_FALLBACK="1")
    assert code == 0, words
    assert (outcome["encoder"], outcome["decoder"]) == ("libx264", "h264")
    assert outcome["device_notes"] == ["NVENC passed over: no NVIDIA device is here"]


def test_a_device_that_does_not_exist_is_a_clear_error(run_job: RunJob):
    code, outcome, words = run_job(ENCODER="amd")
    assert (code, outcome) == (65, {})
    assert "ENCODER='amd'" in words
    assert "'auto', 'nvenc' or 'x264'" in words


def test_a_part_that_is_tried_again_takes_the_encoder_that_the_other_parts_have():
    again = wish_of_part(DeviceWish(encoder=AUTO, attempt=2))
    assert choose_encoder(again, RUNGS, trial=Trials(None), pause=lambda _: None).on_gpu
    assert not choose_encoder(
        DeviceWish(encoder=AUTO, attempt=2), RUNGS, trial=Trials(None), pause=lambda _: None
    ).on_gpu
    ordered = DeviceWish(encoder=NVENC, attempt=2)
    assert wish_of_part(ordered) == ordered
