"""Writes one track as CMAF: `init.mp4`, then a segment whenever one is complete."""

from pathlib import Path

from jobs.transcode.boxes import Sample, media_segment, read_codecs, read_timescale, with_edit_list
from jobs.transcode.encode import SegmentFact, TrackFacts
from jobs.transcode.layout import INIT_NAME, segment_name


class TrackWriter:
    """Takes samples in decoding order and cuts them at `starts`, the sample numbers at which segments begin.

    Samples are shown up to `delay` samples after they are decoded.
    """

    def __init__(
        self, folder: Path, init: bytes, *, starts: tuple[int, ...], sample_units: int, delay: int = 0
    ) -> None:
        self._folder = folder
        self._starts = starts
        self._cuts = frozenset(starts[1:])
        self._sample_units = sample_units
        self._delay = delay
        self._waiting: list[Sample] = []
        self._taken = 0
        self._written: list[SegmentFact] = []
        if delay:
            init = with_edit_list(init, delay * sample_units)
        self._timescale = read_timescale(init)
        self._codecs = read_codecs(init)
        self._init_bytes = len(init)
        folder.mkdir(parents=True)
        (folder / INIT_NAME).write_bytes(init)

    def add(self, data: bytes, *, shown: int, is_sync: bool) -> None:
        """The next sample in decoding order; `shown` is its place in the order of presentation."""
        if self._taken in self._cuts:
            self._cut()
        offset = (shown + self._delay - self._taken) * self._sample_units
        if offset < 0:
            raise RuntimeError(f"{self._folder.name}: sample {shown} comes more than {self._delay} samples late")
        self._waiting.append(Sample(data=data, offset_units=offset, is_sync=is_sync))
        self._taken += 1

    def finish(self) -> TrackFacts:
        """Write the last segment; raises RuntimeError when the track is not as long as was planned."""
        self._cut()
        if len(self._written) != len(self._starts):
            raise RuntimeError(f"{self._folder.name} has {len(self._written)} of {len(self._starts)} segments")
        return TrackFacts(
            folder=self._folder.name,
            timescale=self._timescale,
            codecs=self._codecs,
            init_bytes=self._init_bytes,
            segments=tuple(self._written),
        )

    def _cut(self) -> None:
        number = len(self._written)
        if (
            not self._waiting
            or not self._waiting[0].is_sync
            or self._waiting[0].offset_units != self._delay * self._sample_units
        ):
            raise RuntimeError(f"segment {number} of {self._folder.name} does not start with a key frame of its own")
        segment = media_segment(
            self._waiting,
            number=number,
            start_units=self._starts[number] * self._sample_units,
            sample_units=self._sample_units,
        )
        (self._folder / segment_name(number)).write_bytes(segment)
        self._written.append(SegmentFact(units=len(self._waiting) * self._sample_units, bytes=len(segment)))
        self._waiting = []
