"""Makes a part's pictures and all of the sound at the same time, in a process each."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event, Lock
from typing import Any

from jobs.transcode.encoding.crew import Stopped
from jobs.transcode.encoding.encode import EncodeReport, TrackFacts, encode, encode_sound_alone
from jobs.transcode.parts.cutting import Part
from jobs.transcode.planning.plan import Plan
from pipeline.contracts.devices import DeviceWish
from pipeline.contracts.transcode import TranscodeLimits


def encode_with_sound(
    plan: Plan,
    part: Part,
    *,
    source: Path,
    output: Path,
    devices: DeviceWish,
    limits: TranscodeLimits,
    progress: Callable[[float], None],
) -> tuple[EncodeReport, TrackFacts]:
    """As `encode` and `encode_sound_alone`; the plan has sound. The first failure ends the other."""
    both = _Both(progress)
    with ThreadPoolExecutor(2, thread_name_prefix="part") as pool:
        pictures = pool.submit(
            encode, plan, part, source=source, output=output, devices=devices, limits=limits, progress=both.teller()
        )
        sound = pool.submit(
            encode_sound_alone, plan, source=source, output=output, limits=limits, progress=both.teller()
        )
        try:
            # The first error, not that of the one which was stopped for it.
            both_at_work: list[Future[Any]] = [pictures, sound]
            for future in wait(both_at_work, return_when=FIRST_EXCEPTION).done:
                future.result()
        finally:
            # Who is still at work hears it with the next news that it has.
            both.stop()
    return pictures.result(), sound.result()


class _Both:
    """What both have done, of which each is half."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self._progress = progress
        self._done: list[float] = []
        self._stopped = Event()
        self._lock = Lock()

    def teller(self) -> Callable[[float], None]:
        """What one of them tells its progress to; raises `Stopped` after `stop`."""
        number = len(self._done)
        self._done.append(0.0)

        def report(done: float) -> None:
            if self._stopped.is_set():
                raise Stopped
            with self._lock:
                self._done[number] = done
                total = sum(self._done) / 2
            self._progress(total)

        return report

    def stop(self) -> None:
        self._stopped.set()
