"""Makes a plan's segments in parts, a process each and several at a time, and joins them."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

from jobs.transcode.crew import Stopped
from jobs.transcode.damage import refuse_damage
from jobs.transcode.devices import NVDEC_DECODERS, doubt
from jobs.transcode.encode import FIRST_PICTURE, EncodeReport, TrackFacts, encode, encode_sound_alone
from jobs.transcode.joining import PartsDiffer, join
from jobs.transcode.parts import Part
from jobs.transcode.plan import Plan
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import TranscodeLimits
from pipeline.errors import PermanentError, TransientError
from pipeline.logs import get_logger
from pipeline.media.sandbox import News
from pipeline.reasons import Reason

log = get_logger(__name__)

# The sound's part of all CPU time, measured on a lecture: docs/benchmarks.md.
SOUND_SHARE = 0.05


def encode_parts(
    plan: Plan,
    parts: Sequence[Part],
    *,
    workers: int,
    source: Path,
    output: Path,
    devices: DeviceWish,
    limits: TranscodeLimits,
    progress: Callable[[float], None],
) -> EncodeReport:
    """As `encode` does the whole, with `workers` processes at a time. The first failure ends the others."""
    encode_part = partial(
        encode, plan, source=source, output=output, devices=devices, limits=limits, listen=_log_first_picture
    )
    if len(parts) == 1:
        return encode_part(parts[0], progress=progress)
    total = _Total(progress)
    with ThreadPoolExecutor(workers, thread_name_prefix="part") as pool:
        # First, since it cannot be cut: parts of the pictures fill what time it leaves.
        sound: Future[TrackFacts] | None = None
        sound_share = SOUND_SHARE if plan.audio is not None else 0.0
        if plan.audio is not None:
            told = total.share(sound_share)
            sound = pool.submit(encode_sound_alone, plan, source=source, output=output, limits=limits, progress=told)
        made = [
            pool.submit(encode_part, part, progress=total.share((1 - sound_share) * _share_of(plan, part)))
            for part in parts
        ]
        try:
            _wait_for_all([*made, *([sound] if sound is not None else [])])
        finally:
            # Who is still at work hears it with the next news that it has.
            total.stop()
            pool.shutdown(cancel_futures=True)
    written = _join([future.result() for future in made], sound.result() if sound is not None else None, devices)
    try:
        refuse_damage(plan, written.coverage)
    except PermanentError as verdict:
        on_gpu = any(future.result().decoder in NVDEC_DECODERS.values() for future in made)
        if on_gpu and devices.attempt == 1:
            raise doubt(verdict) from verdict
        raise
    return written


def _log_first_picture(news: News) -> None:
    # Up to here a job has only prepared itself: who looks for a slow start reads this line's time.
    log.info("first_picture_encoded", rendition=news[FIRST_PICTURE])


def _share_of(plan: Plan, part: Part) -> float:
    return len(part.pictures(plan.grid)) / plan.grid.pictures


def _wait_for_all(futures: Sequence[Future[Any]]) -> None:
    """Raise the first error that there is."""
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def _join(parts: Sequence[EncodeReport], sound: TrackFacts | None, devices: DeviceWish) -> EncodeReport:
    try:
        return join(parts, sound)
    except PartsDiffer as error:
        if devices.may_use_gpu:
            # Where each part tries for itself, one may have found the GPU's sessions used up.
            raise TransientError(Reason.GPU_UNAVAILABLE, str(error)) from error
        raise PermanentError(Reason.INTERNAL_ERROR, str(error)) from error


class _Total:
    """Adds up what the parts tell of themselves."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self._progress = progress
        self._done: list[float] = []
        self._stopped = Event()
        self._lock = Lock()

    def share(self, size: float) -> Callable[[float], None]:
        """What a part of this size, of 1 in all, tells its progress to; raises `Stopped` after `stop`."""
        number = len(self._done)
        self._done.append(0.0)

        def report(done: float) -> None:
            if self._stopped.is_set():
                raise Stopped
            with self._lock:
                self._done[number] = size * done
                total = sum(self._done)
            self._progress(total)

        return report

    def stop(self) -> None:
        self._stopped.set()
