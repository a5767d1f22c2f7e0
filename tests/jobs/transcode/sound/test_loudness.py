"""Sound becomes as loud as ordered, without clipping, and only where it was ordered."""

import io
from pathlib import Path

import av
import numpy as np
import pytest

from jobs.transcode.sound.levelling import CEILING, Levelling
from jobs.transcode.sound.loudness import LoudnessReply, LoudnessRequest, gain_db
from jobs.transcode.sound.loudness_child import measure_loudness
from tests.fixtures.media import Clip, make_clip
from tests.jobs.transcode.by_hand import SMALL_LADDER, transcode


def loudness_of(path: Path, stream: int) -> float:
    request = LoudnessRequest(source=str(path), stream=stream, max_streams=8).model_dump_json().encode()
    return LoudnessReply.model_validate(measure_loudness(request, lambda _: None)).integrated_lufs


def test_a_tone_measures_what_r128_says(tmp_path: Path):
    """BS.1770: a sine of amplitude 0.3 in both channels is at 20 log10(0.3) - 0.69 + the filter's 0.69 at 997 Hz."""
    path = make_clip(tmp_path / "tone.mp4", Clip(width=64, height=64, pictures=100))
    # At 440 Hz the filter's shelf adds 0.7 dB less than at 997 Hz.
    assert loudness_of(path, 1) == pytest.approx(20 * np.log10(0.3) - 0.6, abs=0.5)


@pytest.mark.parametrize(("measured", "gain"), [(-30.0, 14.0), (-9.0, -7.0), (-60.0, 24.0), (-70.0, 0.0)])
def test_the_gain_reaches_the_target_but_raises_no_silence(measured: float, gain: float):
    assert gain_db(measured, target_lufs=-16) == gain


def test_a_limited_peak_stays_below_the_ceiling_and_nothing_jumps():
    tone = 0.2 * np.sin(np.arange(20 * 1024) / 20).astype(np.float32)
    tone[10_000:10_400] *= 4
    levelling = Levelling(6.0)
    packets = [[tone[n : n + 1024].tobytes()] * 2 for n in range(0, len(tone), 1024)]
    out = [part for packet in packets for part in levelling.push(packet)] + list(levelling.flush())
    levelled = np.frombuffer(b"".join(left for left, _ in out), np.float32)
    assert len(levelled) == len(tone)
    assert np.abs(levelled).max() <= CEILING + 1e-6
    share = levelled[np.abs(tone) > 0.1] / tone[np.abs(tone) > 0.1] / 10 ** (6 / 20)
    assert share[0] == pytest.approx(1, abs=1e-4)
    assert share[-1] == pytest.approx(1, abs=1e-4)
    assert np.abs(np.diff(share)).max() < 0.05


@pytest.mark.parametrize(("ordered", "heard"), [(-20.0, -20.0), (None, -11.0)])
def test_the_stream_is_as_loud_as_ordered(ordered: float | None, heard: float, tmp_path: Path):
    source = make_clip(tmp_path / "source.mp4", Clip(width=160, height=90, pictures=100))
    result = transcode(source, tmp_path / "hls", ladder=SMALL_LADDER, loudness_lufs=ordered)
    assert result.exit_code == 0, result.words
    sound = tmp_path / "sound.mp4"
    sound.write_bytes(result.media("audio"))
    assert loudness_of(sound, 0) == pytest.approx(heard, abs=0.6)
    with av.open(io.BytesIO(result.media("audio")), "r") as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) >= 4 * 48_000
