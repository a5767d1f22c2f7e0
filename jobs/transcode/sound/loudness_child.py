"""The sandboxed half of `jobs.transcode.sound.loudness`: decodes the sound and lets FFmpeg's ebur128 measure it."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter import Graph

from jobs.transcode.planning.plan import AUDIO_RATE
from jobs.transcode.sound.loudness import SILENCE_LUFS, LoudnessReply, LoudnessRequest
from pipeline.media.opening import UNREADABLE, open_source
from pipeline.media.packets import read_packets

INTEGRATED = "lavfi.r128.I"


def measure_loudness(request: bytes, _progress: Callable[[float], None]) -> dict[str, object]:
    asked = LoudnessRequest.model_validate_json(request)
    meter = _Meter()
    with open_source(Path(asked.source), max_streams=asked.max_streams) as container:
        try:
            for packet in read_packets(container, container.streams[asked.stream]):
                try:
                    frames = packet.decode()
                except UNREADABLE:
                    continue
                for frame in frames:
                    if isinstance(frame, AudioFrame):
                        meter.add(frame)
        except UNREADABLE:
            # The encoding's own pass decides whether damage matters.
            pass
    return LoudnessReply(integrated_lufs=meter.integrated_lufs).model_dump(mode="json")


class _Meter:
    def __init__(self) -> None:
        self.integrated_lufs = SILENCE_LUFS
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        self._samples = 0
        self._graph = Graph()
        nodes = [
            self._graph.add_abuffer(
                sample_rate=AUDIO_RATE, format="fltp", layout="stereo", time_base=Fraction(1, AUDIO_RATE)
            ),
            self._graph.add("ebur128", "metadata=1:framelog=quiet"),
            self._graph.add("abuffersink"),
        ]
        self._graph.link_nodes(*nodes).configure()

    def add(self, frame: AudioFrame) -> None:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape or self._resampler is None:
            self._shape = shape
            self._resampler = AudioResampler(format="fltp", layout="stereo", rate=AUDIO_RATE)
        frame.pts = None
        for part in self._resampler.resample(frame):
            part.pts = self._samples
            self._samples += part.samples
            self._graph.push(part)
            self._read()

    def _read(self) -> None:
        while True:
            try:
                measured = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            said = measured.metadata.get(INTEGRATED) if isinstance(measured, AudioFrame) else None
            if said is not None:
                self.integrated_lufs = max(SILENCE_LUFS, float(said))
