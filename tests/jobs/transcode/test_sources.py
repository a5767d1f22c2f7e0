"""The whole job on sources that are odd in time, tracks or damage."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.frame import VideoFrame

from tests.fixtures.media import AUDIO_RATE, Clip, corner_levels, make_clip, read_pictures
from tests.jobs.transcode.by_hand import SMALL_LADDER, Result, beep_s, flash_s, transcode

ONE_RUNG = SMALL_LADDER[1:2]
TINY = SMALL_LADDER[:1]


def ready(source: Path, folder: Path, ladder: list[dict[str, object]] = ONE_RUNG, **fields: object) -> Result:
    result = transcode(source, folder, ladder=ladder, **fields)
    assert result.exit_code == 0, result.words
    return result


# With those of `test_the_picture_keeps_its_shape_and_stands_upright` these are all eight matrices.
@pytest.mark.parametrize(("turns", "corners"), [(2, (160, 210, 60, 110)), (3, (60, 160, 110, 210))])
def test_a_mirrored_and_turned_picture_stands_upright(turns: int, corners: tuple[int, ...], tmp_path: Path):
    clip = Clip(pictures=3, audio_channels=0, mirrored=True, quarter_turns=turns)
    result = ready(make_clip(tmp_path / "source.mp4", clip), tmp_path / "hls")
    assert corner_levels(read_pictures(result.media("v1"))[1]) == pytest.approx(corners, abs=10)


@pytest.mark.parametrize(
    ("container", "picture_s", "sound_s"), [("mp4", 0.5, 0.0), ("mp4", 0.0, 0.4), ("mpegts", 0.3, 0.0)]
)
def test_flash_and_beep_stay_together_through_edit_lists_and_start_offsets(
    container: str, picture_s: float, sound_s: float, tmp_path: Path
):
    clip = Clip(
        width=160,
        height=90,
        container=container,
        rate=Fraction(30),
        pictures=60,
        video_start_s=picture_s,
        audio_start_s=sound_s,
        audio_s=2.0,
        flash_at_s=max(picture_s, sound_s) + 0.6,
    )
    result = ready(make_clip(tmp_path / "source", clip), tmp_path / "hls", TINY)
    assert beep_s(result) == pytest.approx(flash_s(result), abs=0.04)


def test_what_an_edit_list_leaves_out_is_not_shown(tmp_path: Path):
    """A trimmed recording: its first second is in the file, for the decoder's sake, and not in the film."""
    clip = Clip(
        width=160, height=90, rate=Fraction(30), pictures=90, audio_s=3.0, flash_at_s=1.6, options=(("g", "900"),)
    )
    whole = make_clip(tmp_path / "whole.mp4", clip)
    source = tmp_path / "source.mp4"
    with av.open(str(whole)) as old, av.open(str(source), "w", format="mp4") as new:
        tracks = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is None or packet.time_base is None:
                continue
            # What lies before zero is what the muxer writes an edit list for.
            second = round(1 / packet.time_base)
            packet.pts, packet.dts = (packet.pts or 0) - second, packet.dts - second
            packet.stream = tracks[packet.stream_index]
            new.mux(packet)
    result = ready(source, tmp_path / "hls", TINY)
    assert result.outcome["duration_s"] == pytest.approx(2.0, abs=0.1)
    assert flash_s(result) == pytest.approx(0.6, abs=0.04)
    assert beep_s(result) == pytest.approx(0.6, abs=0.04)


def test_fields_become_whole_pictures(tmp_path: Path):
    """Rows of two moments side by side are what an eye sees as a comb."""
    clip = Clip(pictures=20, audio_channels=0, interlaced=True)
    source = make_clip(tmp_path / "source.mp4", clip)
    with av.open(str(source)) as container:
        woven = list(container.decode(video=0))
    assert all(frame.interlaced_frame for frame in woven)
    shown = read_pictures(ready(source, tmp_path / "hls").media("v1"))
    assert len(shown) == len(woven)
    # The first and the last have no neighbour to tell what moves.
    assert max(comb(frame) for frame in shown[2:-2]) < 0.35 * min(comb(frame) for frame in woven[2:-2])


def comb(frame: VideoFrame) -> float:
    """How much rows differ from those beside them, in the middle where the block moves, at the worst column."""
    grey = frame.reformat(format="gray").to_ndarray().astype(int)
    rows = grey[grey.shape[0] // 2 - 6 : grey.shape[0] // 2 + 6]
    return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean(axis=0).max())


def test_high_dynamic_range_is_tagged_as_what_it_has_become(tmp_path: Path):
    # FFmpeg's numbers of BT.2020, PQ and the matrix of BT.2020.
    clip = Clip(pictures=3, audio_channels=0, pixel_format="yuv420p10le", colours=(9, 16, 9))
    (frame, *_) = read_pictures(ready(make_clip(tmp_path / "source.mp4", clip), tmp_path / "hls").media("v1"))
    tags = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
    assert tuple(map(int, tags)) == (1, 1, 1, 1)
    # PQ's code of 60 is next to black on a plain screen; the ramp is not what it was, but still one.
    levels = corner_levels(frame)
    assert levels[0] < 40
    assert sorted(levels) == list(levels)


def test_the_default_sound_is_taken_with_its_language(tmp_path: Path):
    """Three sounds, of which the second is the default."""
    source = tmp_path / "source.mkv"
    clip = Clip(width=160, height=90)
    with av.open(str(source), "w", format="matroska") as new:
        video = new.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = clip.width, clip.height, "yuv420p"
        sounds = []
        for language, default in (("eng", False), ("kor", True), ("jpn", False)):
            sound = new.add_stream("aac", rate=AUDIO_RATE, layout="stereo")
            sound.metadata["language"] = language
            sound.disposition = Disposition.default if default else Disposition(0)
            sounds.append(sound)
        with av.open(str(make_clip(tmp_path / "clip.mp4", clip))) as old:
            for frame in old.decode(video=0):
                frame.pict_type = 0
                new.mux(video.encode(frame))
            new.mux(video.encode(None))
        for number, sound in enumerate(sounds):
            silence = np.zeros((2, 1024), np.float32)
            tone = np.full((2, 1024), 0.5, np.float32) * np.sin(np.arange(1024) / 8).astype(np.float32)
            for start in range(0, 2 * AUDIO_RATE, 1024):
                heard = av.AudioFrame.from_ndarray(tone if number == 1 else silence, format="fltp", layout="stereo")
                heard.sample_rate, heard.pts, heard.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
                new.mux(sound.encode(heard))
            new.mux(sound.encode(None))
    result = ready(source, tmp_path / "hls", TINY)
    assert result.outcome["audio"]["language"] == "ko"
    assert beep_s(result) < 0.1


def test_a_source_of_120_pictures_a_second_is_shown_at_60(tmp_path: Path):
    clip = replace(Clip(width=160, height=90, audio_channels=0), rate=Fraction(120), pictures=120)
    result = ready(make_clip(tmp_path / "source.mp4", clip), tmp_path / "hls", TINY)
    assert result.outcome["renditions"][0]["frame_rate"] == 60
    assert len(read_pictures(result.media("v1"))) == 60


def two_recordings(folder: Path, *, second_starts_s: float) -> Path:
    """One behind the other in a transport stream, as capture cards write them when their input changes."""
    first = Clip(container="mpegts", width=320, height=180, pictures=50, audio_channels=0)
    second = replace(first, width=160, height=90, video_start_s=second_starts_s)
    source = folder / "source.ts"
    source.write_bytes(b"".join(make_clip(folder / "part", clip).read_bytes() for clip in (first, second)))
    return source


def test_a_picture_that_changes_its_size_goes_on(tmp_path: Path):
    # The muxer puts the first part two pictures later, for its B-pictures' sake.
    result = ready(two_recordings(tmp_path, second_starts_s=2.08), tmp_path / "hls")
    shown = read_pictures(result.media("v1"))
    assert len(shown) == 100
    for number in (25, 75):
        assert (shown[number].width, shown[number].height) == (320, 180)
        assert corner_levels(shown[number]) == pytest.approx((60, 110, 160, 210), abs=10)


def test_time_that_starts_again_is_refused(tmp_path: Path):
    """Half of such a lecture would be shown over the other half."""
    result = transcode(two_recordings(tmp_path, second_starts_s=0.0), tmp_path / "hls", ladder=TINY)
    assert (result.exit_code, result.outcome["reason"]) == (65, "BAD_TIMESTAMPS"), result.words
