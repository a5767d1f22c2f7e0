"""The sandboxed half of `jobs.transcode.verify`: knows only the files and where the grid says segments begin."""

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path, PurePosixPath

import av

from jobs.transcode.boxes import SegmentTimes, read_codecs, read_delay, read_segment, read_timescale
from jobs.transcode.layout import MASTER_NAME
from jobs.transcode.plan import AUDIO_PACKET, AUDIO_RATE
from jobs.transcode.playlists import Variant, read_master, read_media_playlist
from jobs.transcode.verify import VerifyReply, VerifyRequest
from pipeline.errors import PermanentError
from pipeline.reasons import Reason

# A stream may differ from its source by this much: the greater of both.
DURATION_TOLERANCE_S = 0.2
DURATION_TOLERANCE_SHARE = 0.02

# Any broken bit is an error, where a player would conceal it.
DECODER_OPTIONS = {"err_detect": "explode"}


def verify_stream(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = VerifyRequest.model_validate_json(request)
    checked = _Stream(asked).check()
    return checked.model_dump(mode="json")


def refuse(path: str, what: str) -> PermanentError:
    return PermanentError(Reason.VERIFY_FAILED, f"{path}: {what}")


class _Stream:
    def __init__(self, asked: VerifyRequest) -> None:
        self._asked = asked
        self._root = Path(asked.output)
        self._segments = 0
        self._pictures = 0
        self._target_durations: set[int] = set()

    def check(self) -> VerifyReply:
        try:
            master = read_master(read_file(self._root, MASTER_NAME).decode())
        except ValueError as error:
            raise refuse(MASTER_NAME, str(error)) from error
        sizes = tuple((variant.width, variant.height) for variant in master.variants)
        if sizes != self._asked.sizes:
            raise refuse(MASTER_NAME, f"its variants are {sizes}, planned were {self._asked.sizes}")
        if (master.audio_uri is not None) != self._asked.has_audio:
            raise refuse(MASTER_NAME, f"its sound is {master.audio_uri}")
        audio_codecs = None
        if master.audio_uri is not None:
            track = _Track(self._root, master.audio_uri)
            track.check_order(self._starts_s(), tolerance_s=Fraction(AUDIO_PACKET, AUDIO_RATE))
            audio_codecs = track.codecs
            self._check_duration(track)
            track.decode_sound()
            self._count(track)
        for variant in master.variants:
            self._check_variant(variant, audio_codecs)
        if len(self._target_durations) != 1:
            raise refuse(MASTER_NAME, f"its playlists have target durations of {sorted(self._target_durations)} s")
        return VerifyReply(segments=self._segments, pictures=self._pictures)

    def _check_variant(self, variant: Variant, audio_codecs: str | None) -> None:
        track = _Track(self._root, variant.uri)
        expected = f"{track.codecs},{audio_codecs}" if audio_codecs else track.codecs
        if variant.codecs != expected:
            raise refuse(variant.uri, f"CODECS says {variant.codecs}, the headers {expected}")
        if (variant.audio_group is not None) != (audio_codecs is not None):
            raise refuse(variant.uri, "its sound is not in the group that the playlist names")
        track.check_order(self._starts_s(), tolerance_s=Fraction(0))
        self._check_duration(track)
        self._pictures += track.decode_pictures(variant.width, variant.height)
        self._count(track)

    def _count(self, track: "_Track") -> None:
        self._segments += len(track.times)
        self._target_durations.add(track.target_duration_s)

    def _starts_s(self) -> list[Fraction]:
        return [first / self._asked.grid.rate for first in self._asked.grid.starts()]

    def _check_duration(self, track: "_Track") -> None:
        source_s = self._asked.source_s
        tolerance_s = max(DURATION_TOLERANCE_S, DURATION_TOLERANCE_SHARE * source_s)
        if abs(float(track.duration_s) - source_s) > tolerance_s:
            raise refuse(track.uri, f"lasts {float(track.duration_s):.3f} s, the source {source_s:.3f} s")


def read_file(root: Path, name: str) -> bytes:
    try:
        data = (root / name).read_bytes()
    except OSError as error:
        raise refuse(name, "it is not there") from error
    if not data:
        raise refuse(name, "it is empty")
    return data


class _Track:
    """One media playlist with all that it refers to."""

    def __init__(self, root: Path, uri: str) -> None:
        self.uri = uri
        folder = str(PurePosixPath(uri).parent)
        try:
            playlist = read_media_playlist(read_file(root, uri).decode())
            self._init = read_file(root, f"{folder}/{playlist.init}")
            self.codecs = read_codecs(self._init)
            self._timescale = read_timescale(self._init)
            self._delay = read_delay(self._init)
        except (ValueError, IndexError, struct.error) as error:
            raise refuse(uri, str(error)) from error
        self._root = root
        self.target_duration_s = playlist.target_duration_s
        self._names = [f"{folder}/{name}" for name, _ in playlist.segments]
        self._lengths = [length for _, length in playlist.segments]
        self.times = [self._read_times(name) for name in self._names]

    def _read_times(self, name: str) -> SegmentTimes:
        try:
            return read_segment(read_file(self._root, name))
        except (ValueError, struct.error) as error:
            raise refuse(name, str(error)) from error

    @property
    def duration_s(self) -> Fraction:
        return Fraction(sum(times.units for times in self.times), self._timescale)

    def check_order(self, starts_s: list[Fraction], *, tolerance_s: Fraction) -> None:
        """Segments follow each other without a hole, start where the grid says, and last as long as is written."""
        if len(self.times) != len(starts_s):
            raise refuse(self.uri, f"{len(self.times)} segments where the grid has {len(starts_s)}")
        expected = 0
        for name, times, length, start_s in zip(self._names, self.times, self._lengths, starts_s, strict=True):
            if times.start_units != expected:
                raise refuse(name, f"starts at {times.start_units} where the one before it ends at {expected}")
            if times.first_shown_units - self._delay != times.start_units:
                raise refuse(name, "its first picture is not the first that is shown")
            if abs(Fraction(times.start_units, self._timescale) - start_s) > tolerance_s:
                at_s = times.start_units / self._timescale
                raise refuse(name, f"starts at {at_s:.4f} s, the grid says {float(start_s):.4f} s")
            if not times.starts_with_sync:
                raise refuse(name, "does not start with a key frame")
            sample = Fraction(times.units, times.samples * self._timescale)
            if abs(length - Fraction(times.units, self._timescale)) > sample:
                raise refuse(name, f"EXTINF is {float(length):.4f} s, the segment lasts {times.units} units")
            expected += times.units

    def decode_pictures(self, width: int, height: int) -> int:
        """Decode every picture of every segment on its own, as a player that seeks there; returns how many."""
        total = 0
        for name, times in zip(self._names, self.times, strict=True):
            decoded = 0
            try:
                with self._open(name) as container:
                    stream = container.streams.video[0]
                    stream.codec_context.options = DECODER_OPTIONS
                    for frame in container.decode(stream):
                        if (frame.width, frame.height) != (width, height) or frame.is_corrupt:
                            raise refuse(name, f"a picture of {frame.width}x{frame.height} is not {width}x{height}")
                        decoded += 1
            except (av.error.FFmpegError, IndexError) as error:
                raise refuse(name, f"cannot be decoded after {decoded} pictures: {error}") from error
            if decoded != times.samples:
                raise refuse(name, f"{decoded} of {times.samples} pictures decode")
            total += decoded
        return total

    def decode_sound(self) -> None:
        for name, times in zip(self._names, self.times, strict=True):
            try:
                with self._open(name) as container:
                    samples = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
            except (av.error.FFmpegError, IndexError) as error:
                raise refuse(name, f"cannot be decoded: {error}") from error
            if samples != times.units:
                raise refuse(name, f"{samples} of {times.units} samples decode")

    def _open(self, name: str) -> "av.container.InputContainer":
        return av.open(io.BytesIO(self._init + read_file(self._root, name)), "r", format="mov")
