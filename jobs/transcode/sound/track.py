"""Encodes the one sound track: stereo AAC on the grid of its own packets, in a thread of its own."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from jobs.transcode.devices.encoders import open_audio_encoder
from jobs.transcode.encoding.encode import TrackFacts
from jobs.transcode.hls.layout import AUDIO_FOLDER
from jobs.transcode.hls.tracks import TrackWriter
from jobs.transcode.planning.plan import AUDIO_PACKET, AUDIO_RATE, Grid

if TYPE_CHECKING:
    from jobs.transcode.sound.levelling import Levelling

SAMPLE_BYTES = 4
# Time stamps of some containers are off by a few ms; what is heard is a jump of more than this.
SLACK_SAMPLES = AUDIO_RATE // 50
SILENCE_SAMPLES = AUDIO_RATE


def encode_sound(
    frames: Iterator[AudioFrame], *, origin_s: float, grid: Grid, audio_bps: int, gain_db: float | None, output: Path
) -> TrackFacts:
    """Place decoded sound by its time stamps, fill holes with silence, encode and write."""
    total = grid.audio_packets * AUDIO_PACKET
    with open_audio_encoder(audio_bps) as (encoder, init):
        starts = grid.audio_starts()
        track = TrackWriter(
            output / AUDIO_FOLDER, init, starts=starts, segments=range(len(starts)), sample_units=AUDIO_PACKET
        )
        sink = _PacketSink(encoder, track, total, gain_db=gain_db)
        timeline = _Timeline(sink, Fraction(origin_s))
        for frame in frames:
            timeline.add(frame)
        timeline.finish()
        sink.finish()
        return track.finish()


def _open_levelling(gain_db: float | None) -> "Levelling | None":
    if gain_db is None:
        return None
    # It needs numpy, which takes longer to load than a first picture to encode: only who wants it waits for it.
    from jobs.transcode.sound.levelling import Levelling  # noqa: PLC0415

    return Levelling(gain_db)


class _PacketSink:
    """Cuts samples into packets, encodes them, and ends exactly at `total` samples."""

    def __init__(self, encoder: AudioCodecContext, track: TrackWriter, total: int, *, gain_db: float | None) -> None:
        self._encoder = encoder
        self._track = track
        self._total = total
        self._planes = (bytearray(), bytearray())
        self._taken = 0
        self._encoded = 0
        self.placed = 0
        self._levelling = _open_levelling(gain_db)

    def add(self, left: bytes, right: bytes) -> None:
        """Planar floats of both channels, of the same length."""
        self.placed += len(left) // SAMPLE_BYTES
        self._planes[0].extend(left)
        self._planes[1].extend(right)
        size = AUDIO_PACKET * SAMPLE_BYTES
        while len(self._planes[0]) >= size and self._taken < self._total:
            packet = [bytes(waiting[:size]) for waiting in self._planes]
            for waiting in self._planes:
                del waiting[:size]
            self._taken += AUDIO_PACKET
            self._level(packet)
        if self._taken >= self._total:
            for waiting in self._planes:
                waiting.clear()

    def _level(self, packet: list[bytes]) -> None:
        for levelled in [packet] if self._levelling is None else self._levelling.push(packet):
            self._encode(levelled)

    def _encode(self, packet: list[bytes]) -> None:
        frame = AudioFrame(format="fltp", layout="stereo", samples=AUDIO_PACKET)
        frame.sample_rate = AUDIO_RATE
        frame.time_base = Fraction(1, AUDIO_RATE)
        frame.pts = self._encoded
        for plane, data in zip(frame.planes, packet, strict=True):
            plane.update(data)
        self._encoded += AUDIO_PACKET
        self._write(frame)

    def add_silence(self, samples: int) -> None:
        while samples > 0 and self.placed < self._total:
            part = bytes(min(samples, SILENCE_SAMPLES) * SAMPLE_BYTES)
            self.add(part, part)
            samples -= SILENCE_SAMPLES

    def finish(self) -> None:
        self.add_silence(self._total - self.placed)
        for levelled in self._levelling.flush() if self._levelling is not None else ():
            self._encode(levelled)
        self._write(None)

    def _write(self, frame: AudioFrame | None) -> None:
        for packet in self._encoder.encode(frame):
            # The packet before zero holds the encoder's run-in. Without it the first 21 ms fade in; with it every
            # player would need an edit list to keep sound and picture together.
            if packet.pts is not None and packet.pts >= 0:
                self._track.add(bytes(packet), shown=packet.pts // AUDIO_PACKET, is_sync=True)


class _Timeline:
    """Resamples, and keeps sound where its time stamps say: cuts what overlaps, fills what is missing."""

    def __init__(self, sink: _PacketSink, origin_s: Fraction) -> None:
        self._sink = sink
        self._origin_s = origin_s
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        self._first = True

    def add(self, frame: AudioFrame) -> None:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape or self._resampler is None:
            self.finish()
            self._shape = shape
            self._resampler = AudioResampler(format="fltp", layout="stereo", rate=AUDIO_RATE)
        cut = self._align(frame)
        # Its own count of samples would be compared with ours, which has been corrected.
        frame.pts = None
        for part in self._resampler.resample(frame):
            cut = self._place(part, cut)

    def finish(self) -> None:
        """What the resampler holds back."""
        if self._resampler is not None:
            for part in self._resampler.resample(None):
                self._place(part, 0)
            self._resampler = None

    def _align(self, frame: AudioFrame) -> int:
        """Fill a hole before the frame; returns how many of its samples (at the output's rate) come too late."""
        if frame.pts is None or frame.time_base is None:
            return 0
        due = round((frame.pts * frame.time_base - self._origin_s) * AUDIO_RATE)
        late = self._sink.placed - due
        if abs(late) <= (0 if self._first else SLACK_SAMPLES):
            return 0
        self._first = False
        self._sink.add_silence(-late)
        return max(0, late)

    def _place(self, part: AudioFrame, cut: int) -> int:
        """Hand on all but the first `cut` samples; returns how many are still to be cut."""
        skip = min(cut, part.samples)
        start, end = skip * SAMPLE_BYTES, part.samples * SAMPLE_BYTES
        left, right = (bytes(plane)[start:end] for plane in part.planes)
        self._sink.add(left, right)
        return cut - skip
