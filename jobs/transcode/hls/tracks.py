"""Writes one track as CMAF: `init.mp4`, then a segment whenever one is complete."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from jobs.transcode.encoding.encode import KeyFact, SegmentFact, TrackFacts
from jobs.transcode.hls.boxes import STYP, Sample, media_fragment, read_codecs, read_timescale, with_edit_list
from jobs.transcode.hls.layout import INIT_NAME, segment_name


class TrackWriter:
    """Takes samples in decoding order and cuts them at `starts`, the sample numbers at which segments begin.

    It writes `segments` of them, with the numbers and times that these have in the whole track.
    Samples are shown up to `delay` samples after they are decoded. Each of `keys`, the sample numbers of a track of
    pictures that are key frames, begins a fragment: an I-frame playlist names the bytes of its header and of itself.
    """

    def __init__(
        self,
        folder: Path,
        init: bytes,
        *,
        starts: tuple[int, ...],
        segments: range,
        sample_units: int,
        delay: int = 0,
        keys: frozenset[int] = frozenset(),
    ) -> None:
        self._folder = folder
        self._starts = starts
        self._segments = segments
        self._cuts = frozenset(starts[number] for number in segments[1:])
        self._keys = keys
        self._sample_units = sample_units
        self._delay = delay
        self._waiting: list[Sample] = []
        self._taken = starts[segments.start]
        self._fragments = sum(first < self._taken for first in keys | frozenset(starts))
        self._written: list[SegmentFact] = []
        if delay:
            init = with_edit_list(init, delay * sample_units)
        self._timescale = read_timescale(init)
        self._codecs = read_codecs(init)
        self._init_bytes = len(init)
        self._init_sha256 = hashlib.sha256(init).hexdigest()
        # Other parts of the same track may be written beside this one.
        folder.mkdir(parents=True, exist_ok=True)
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
        if len(self._written) != len(self._segments):
            raise RuntimeError(f"{self._folder.name} has {len(self._written)} of {len(self._segments)} segments")
        if self._segments.stop < len(self._starts) and self._taken != self._starts[self._segments.stop]:
            due = self._starts[self._segments.stop]
            raise RuntimeError(f"{self._folder.name} ends before sample {self._taken}, the next part begins with {due}")
        return TrackFacts(
            folder=self._folder.name,
            timescale=self._timescale,
            codecs=self._codecs,
            init_bytes=self._init_bytes,
            init_sha256=self._init_sha256,
            first_segment=self._segments.start,
            segments=tuple(self._written),
        )

    def _cut(self) -> None:
        number = self._segments.start + len(self._written)
        start = self._starts[number]
        data = bytearray(STYP)
        keys = []
        for first, samples in self._fragments_of(start):
            self._refuse_dependence(samples, number)
            fragment = media_fragment(
                samples, number=self._fragments, start_units=first * self._sample_units, sample_units=self._sample_units
            )
            if first in self._keys:
                others = sum(len(sample.data) for sample in samples[1:])
                units = len(samples) * self._sample_units
                keys.append(KeyFact(offset=len(data), bytes=len(fragment) - others, units=units))
            data += fragment
            self._fragments += 1
        (self._folder / segment_name(number)).write_bytes(data)
        units = len(self._waiting) * self._sample_units
        self._written.append(SegmentFact(units=units, bytes=len(data), keys=tuple(keys)))
        self._waiting = []

    def _fragments_of(self, start: int) -> Iterator[tuple[int, list[Sample]]]:
        """The number of each fragment's first sample, and its samples."""
        end = start + len(self._waiting)
        bounds = [start, *sorted(key for key in self._keys if start < key < end), end]
        for first, following in pairwise(bounds):
            yield first, self._waiting[first - start : following - start]

    def _refuse_dependence(self, samples: list[Sample], number: int) -> None:
        if not samples or not samples[0].is_sync or samples[0].offset_units != self._delay * self._sample_units:
            raise RuntimeError(f"segment {number} of {self._folder.name} does not start with a key frame of its own")
