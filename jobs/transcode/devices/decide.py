"""Decides whether a GPU or the CPU encodes and decodes. Pure: what trials found comes in, a choice goes out.

A trial really encodes or decodes a picture and returns None, or FFmpeg's words where that failed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.transcode.planning.ladder import RungPlan
from pipeline.contracts.devices import DecoderWish, DeviceWish, EncoderWish
from pipeline.errors import JobError, PermanentError, TransientError
from pipeline.media.facts import VideoFacts
from pipeline.media.gpu import SESSIONS_USED_UP
from pipeline.reasons import Reason

Trial = Callable[[], str | None]
# A trial's answer where there is nothing to try. On most machines: `auto` does not go on about it.
NO_DEVICE = "no NVIDIA device is here"

# NVENC refuses smaller pictures: 145x49 on the GPUs of NVIDIA's own table, rounded up to whole macroblocks.
NVENC_LEAST_WIDTH, NVENC_LEAST_HEIGHT = 160, 64
# Sessions end when other jobs do; this much of a GPU's time is less than what another attempt would cost.
SESSION_WAITS_S = (2.0, 5.0, 10.0)

# FFmpeg's decoders that run on NVDEC, by the codec's own name.
NVDEC_DECODERS = {
    "h264": "h264_cuvid",
    "hevc": "hevc_cuvid",
    "vp8": "vp8_cuvid",
    "vp9": "vp9_cuvid",
    "av1": "av1_cuvid",
    "mpeg2video": "mpeg2_cuvid",
}
# Other samplings only newer GPUs read; 10 bits of H.264 none does, and its trial says so.
NVDEC_FORMATS = ("yuv420p", "yuvj420p", "nv12", "yuv420p10le", "p010le")


@dataclass(frozen=True)
class Choice:
    """`note` says what was passed over, and why."""

    on_gpu: bool
    note: str | None = None


def choose_encoder(
    wish: DeviceWish, rungs: Sequence[RungPlan], *, trial: Trial, pause: Callable[[float], None]
) -> Choice:
    """NVENC or x264 for all renditions.

    Raises GPU_UNAVAILABLE where NVENC was asked for and cannot be had: to be tried again after the first attempt,
    for good after a later one. Sessions that are used up are always worth another attempt.
    """
    match wish.encoder:
        case EncoderWish.X264:
            return Choice(on_gpu=False)
        case EncoderWish.AUTO | EncoderWish.NVENC:
            pass
    small = _too_small(rungs)
    if small is not None:
        return Choice(on_gpu=False, note=f"NVENC passed over: {small.width}x{small.height} is too small for it")
    if wish.encoder is EncoderWish.AUTO and wish.attempt > 1:
        return Choice(on_gpu=False, note=f"NVENC passed over: this is attempt {wish.attempt}")
    problem = trial()
    if wish.encoder is EncoderWish.NVENC:
        for wait_s in SESSION_WAITS_S:
            if problem is None or SESSIONS_USED_UP not in problem:
                break
            pause(wait_s)
            problem = trial()
    if problem is None:
        return Choice(on_gpu=True)
    if wish.encoder is EncoderWish.NVENC and not wish.cpu_fallback:
        raise _unavailable("NVENC", problem, wish.attempt)
    if wish.encoder is EncoderWish.AUTO and problem == NO_DEVICE:
        return Choice(on_gpu=False)
    return Choice(on_gpu=False, note=f"NVENC passed over: {problem}")


def choose_decoder(wish: DeviceWish, video: VideoFacts, *, codec: str, trial: Trial) -> Choice:
    """NVDEC or the CPU. A source of a kind that no NVDEC reads goes to the CPU, whatever was asked for."""
    match wish.decoder:
        case DecoderWish.CPU:
            return Choice(on_gpu=False)
        case DecoderWish.AUTO | DecoderWish.NVDEC:
            pass
    if codec not in NVDEC_DECODERS or video.pixel_format not in NVDEC_FORMATS:
        return Choice(on_gpu=False, note=f"NVDEC passed over: it does not read {codec} in {video.pixel_format}")
    if wish.decoder is DecoderWish.AUTO and wish.attempt > 1:
        return Choice(on_gpu=False, note=f"NVDEC passed over: this is attempt {wish.attempt}")
    problem = trial()
    if problem is None:
        return Choice(on_gpu=True)
    if wish.decoder is DecoderWish.NVDEC and not wish.cpu_fallback:
        raise _unavailable("NVDEC", problem, wish.attempt)
    if wish.decoder is DecoderWish.AUTO and problem == NO_DEVICE:
        return Choice(on_gpu=False)
    return Choice(on_gpu=False, note=f"NVDEC passed over: {problem}")


def wish_of_part(wish: DeviceWish) -> DeviceWish:
    """A part's: what `auto` found on the first attempt. With another encoder it would fit none of the other parts."""
    return wish.model_copy(update={"attempt": 1}) if wish.encoder is EncoderWish.AUTO else wish


def doubt(verdict: PermanentError) -> TransientError:
    """What becomes of the first attempt's verdict on a source that NVDEC has decoded.

    A GPU leaves out pictures that a CPU shows; the next attempt of `auto` decodes on the CPU, and its verdict stands.
    """
    return TransientError(Reason.GPU_UNAVAILABLE, f"NVDEC found {verdict.reason}: {verdict.detail}")


def _too_small(rungs: Sequence[RungPlan]) -> RungPlan | None:
    return next((r for r in rungs if r.width < NVENC_LEAST_WIDTH or r.height < NVENC_LEAST_HEIGHT), None)


def _unavailable(engine: str, problem: str, attempt: int) -> JobError:
    detail = f"{engine} was asked for, attempt {attempt}: {problem}"
    if attempt == 1 or SESSIONS_USED_UP in problem:
        return TransientError(Reason.GPU_UNAVAILABLE, detail)
    return PermanentError(Reason.GPU_UNAVAILABLE, f"{detail}; CPU_FALLBACK=1 would use the CPU")
