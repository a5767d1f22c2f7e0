"""The whole job on made sources: what comes out is what a player expects of that source."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import m3u8
import numpy as np
import pytest

from tests.fixtures.media import Clip, corner_levels, make_clip, read_pictures
from tests.jobs.transcode.by_hand import SMALL_LADDER, Result, beep_s, flash_s, shown, times, transcode


@pytest.fixture(scope="module")
def ten_seconds(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """320x180 at 30000/1001 pictures a second, with sound, in segments of 4 s."""
    folder = tmp_path_factory.mktemp("ten")
    source = make_clip(folder / "source.mp4", Clip(rate=Fraction(30000, 1001), pictures=300))
    return transcode(source, folder / "hls", ladder=SMALL_LADDER)


def test_the_playlists_are_what_a_player_expects(ten_seconds: Result):
    assert ten_seconds.exit_code == 0, ten_seconds.words
    master = m3u8.load(str(ten_seconds.folder / "master.m3u8"))
    assert sorted(v.stream_info.resolution for v in master.playlists) == [(160, 90), (320, 180)]
    assert all(v.stream_info.frame_rate == pytest.approx(29.97) for v in master.playlists)
    assert all(v.stream_info.codecs.endswith(",mp4a.40.2") for v in master.playlists)
    assert all(v.stream_info.codecs.startswith("avc1.64") for v in master.playlists)
    assert (master.media[0].uri, master.media[0].language) == ("audio/index.m3u8", "und")
    assert sorted(v.uri for v in master.iframe_playlists) == ["v1/iframes.m3u8", "v2/iframes.m3u8"]
    assert master.is_independent_segments
    lists = [m3u8.load(str(ten_seconds.folder / name / "index.m3u8")) for name in ("v1", "v2", "audio")]
    assert len({(p.target_duration, p.playlist_type, p.is_endlist, len(p.segments)) for p in lists}) == 1
    assert lists[0].is_endlist
    assert all(segment.duration <= p.target_duration for p in lists for segment in p.segments)


def test_all_renditions_are_cut_at_the_same_instants(ten_seconds: Result):
    period = Fraction(1001, 30000)
    # The first pictures at or after 0, 4 and 8 s.
    assert ten_seconds.starts("v1") == ten_seconds.starts("v2") == [0, 120 * period, 240 * period]
    for sound, picture in zip(ten_seconds.starts("audio"), ten_seconds.starts("v1"), strict=True):
        assert abs(sound - picture) <= Fraction(1024, 48000)


def test_key_frames_come_every_two_seconds_in_all_renditions(ten_seconds: Result):
    for track in ("v1", "v2"):
        keys = [time for frame, time in shown(ten_seconds.media(track)) if frame.key_frame]
        assert keys == [n * Fraction(1001, 30000) for n in (0, 60, 120, 180, 240)]


def test_each_range_of_an_iframe_playlist_is_one_key_frame(ten_seconds: Result):
    playlist = m3u8.load(str(ten_seconds.folder / "v2" / "iframes.m3u8"))
    init = (ten_seconds.folder / "v2" / "init.mp4").read_bytes()
    stamps = []
    for segment in playlist.segments:
        size, offset = map(int, segment.byterange.split("@"))
        data = (ten_seconds.folder / "v2" / segment.uri).read_bytes()[offset : offset + size]
        with av.open(io.BytesIO(init + data), "r") as container:
            frame = next(container.decode(video=0))
        stamps += times([frame])
        assert frame.key_frame
    assert stamps == [n * Fraction(1001, 30000) for n in (0, 60, 120, 180, 240)]
    assert sum(segment.duration for segment in playlist.segments) == pytest.approx(10.01)


def test_every_picture_is_on_the_grid(ten_seconds: Result):
    for track in ("v1", "v2"):
        frames = read_pictures(ten_seconds.media(track))
        assert times(frames) == [n * Fraction(1001, 30000) for n in range(300)]


def test_the_rates_in_the_master_are_those_of_the_segments(ten_seconds: Result):
    master = m3u8.load(str(ten_seconds.folder / "master.m3u8"))
    variants = sorted(master.playlists, key=lambda variant: variant.uri)
    for track, variant in zip(("v1", "v2"), variants, strict=True):
        rates = []
        for name in (track, "audio"):
            playlist = m3u8.load(str(ten_seconds.folder / name / "index.m3u8"))
            sizes = [8 * (ten_seconds.folder / name / s.uri).stat().st_size for s in playlist.segments]
            lengths = [s.duration for s in playlist.segments]
            peaks = [size / length for size, length in zip(sizes, lengths, strict=True) if length > 2]
            rates.append((max(*peaks, sum(sizes) / sum(lengths)), sum(sizes) / sum(lengths)))
        assert variant.stream_info.bandwidth == pytest.approx(sum(peak for peak, _ in rates), rel=0.05)
        assert variant.stream_info.average_bandwidth == pytest.approx(sum(mean for _, mean in rates), rel=0.01)


def test_the_thumbnail_shows_the_picture(ten_seconds: Result):
    (frame,) = read_pictures((ten_seconds.folder / "thumbnail.jpg").read_bytes())
    assert (frame.width, frame.height) == (320, 180)
    assert corner_levels(frame) == pytest.approx((60, 110, 160, 210), abs=14)


def test_the_storyboard_is_there_with_its_sheet(ten_seconds: Result):
    folder = ten_seconds.folder / "storyboard"
    assert ten_seconds.outcome["storyboard"] == "storyboard/index.vtt"
    assert (folder / "index.vtt").read_text().count("000.jpg#xywh=") == 3
    (sheet,) = read_pictures((folder / "000.jpg").read_bytes())
    assert (sheet.width, sheet.height) == (3 * 160, 90)


def test_the_outcome_tells_what_was_made(ten_seconds: Result):
    outcome = ten_seconds.outcome
    assert outcome["status"] == "ready"
    assert outcome["duration_s"] == pytest.approx(10.01)
    assert [step["name"] for step in outcome["steps"]][:6] == [
        "presigning", "downloading", "probing", "transcoding", "validating", "thumbnail",
    ]  # fmt: skip
    for rendition in outcome["renditions"]:
        track = Path(rendition["playlist"]).parent.name
        assert rendition["bytes"] == len(ten_seconds.media(track))


def test_the_log_tells_once_that_a_picture_is_encoded(ten_seconds: Result):
    assert ten_seconds.words.count("first_picture_encoded") == 1


ODD_SOURCES = {
    "portrait": (Clip(width=180, height=320), [(90, 160), (180, 320)], (60, 110, 160, 210)),
    "four by three": (Clip(width=240, height=180), [(120, 90), (240, 180)], (60, 110, 160, 210)),
    "odd sizes": (
        Clip(width=321, height=181, pixel_format="yuv444p"),
        [(160, 90), (320, 180)],
        (60, 110, 160, 210),
    ),
    "ten bits": (Clip(pixel_format="yuv420p10le"), [(160, 90), (320, 180)], (60, 110, 160, 210)),
    "wide pixels": (Clip(width=240, height=180, pixel_aspect=Fraction(4, 3)), [(160, 90), (320, 180)], None),
    "smaller than all rungs": (Clip(width=100, height=64), [(100, 64)], (60, 110, 160, 210)),
    "turned right": (Clip(quarter_turns=1), [(90, 160), (180, 320)], (160, 60, 210, 110)),
    "upside down": (Clip(quarter_turns=2), [(160, 90), (320, 180)], (210, 160, 110, 60)),
    "turned left": (Clip(quarter_turns=3), [(90, 160), (180, 320)], (110, 210, 60, 160)),
    "mirrored": (Clip(mirrored=True), [(160, 90), (320, 180)], (110, 60, 210, 160)),
    "mirrored and turned": (Clip(mirrored=True, quarter_turns=1), [(90, 160), (180, 320)], (210, 110, 160, 60)),
}


@pytest.mark.parametrize("name", ODD_SOURCES)
def test_the_picture_keeps_its_shape_and_stands_upright(name: str, tmp_path: Path):
    clip, sizes, corners = ODD_SOURCES[name]
    result = transcode(
        make_clip(tmp_path / "source.mp4", replace(clip, audio_channels=0, pictures=10)),
        tmp_path / "hls",
        ladder=SMALL_LADDER,
    )
    assert result.exit_code == 0, result.words
    assert [(r["width"], r["height"]) for r in result.outcome["renditions"]] == sizes
    for number, size in enumerate(sizes, start=1):
        frame = read_pictures(result.media(f"v{number}"))[5]
        assert (frame.width, frame.height, frame.format.name) == (*size, "yuv420p")
        if corners is not None:
            assert corner_levels(frame) == pytest.approx(corners, abs=10)
    assert result.outcome["audio"] is None
    assert "EXT-X-MEDIA" not in (result.folder / "master.m3u8").read_text().replace("EXT-X-MEDIA-SEQ", "")


def test_a_variable_rate_becomes_constant_on_the_grid(tmp_path: Path):
    # A screen recording: bursts at 30 a second, and long rests.
    burst = [round(n * 1000 / 30) for n in range(15)]
    stamps = [*burst, 1500, 2900, *(4000 + stamp for stamp in burst)]
    clip = Clip(container="matroska", stamps_ms=stamps, rate=Fraction(30), audio_channels=0)
    result = transcode(make_clip(tmp_path / "source.mkv", clip), tmp_path / "hls", ladder=SMALL_LADDER)
    assert result.exit_code == 0, result.words
    frames = read_pictures(result.media("v2"))
    rate = Fraction(result.outcome["renditions"][0]["frame_rate"]).limit_denominator(1001)
    assert rate == 30
    assert times(frames) == [n / rate for n in range(len(frames))]
    assert len(frames) / rate == pytest.approx(clip.duration_s, abs=0.1)


@pytest.mark.parametrize(("picture_s", "sound_s"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.4), (8.3, 8.5)])
def test_flash_and_beep_stay_together(picture_s: float, sound_s: float, tmp_path: Path):
    clip = Clip(
        width=160,
        height=90,
        container="matroska",
        rate=Fraction(30),
        pictures=60,
        video_start_s=picture_s,
        audio_start_s=sound_s,
        audio_s=2.0,
        flash_at_s=max(picture_s, sound_s) + 0.6,
    )
    result = transcode(make_clip(tmp_path / "source.mkv", clip), tmp_path / "hls", ladder=SMALL_LADDER)
    assert result.exit_code == 0, result.words
    assert beep_s(result) == pytest.approx(flash_s(result), abs=0.04)


@pytest.mark.parametrize("channels", [1, 6])
def test_sound_becomes_stereo(channels: int, tmp_path: Path):
    clip = Clip(width=160, height=90, audio_channels=channels)
    result = transcode(make_clip(tmp_path / "source.mp4", clip), tmp_path / "hls", ladder=SMALL_LADDER)
    assert result.exit_code == 0, result.words
    with av.open(io.BytesIO(result.media("audio")), "r") as container:
        frames = list(container.decode(audio=0))
    assert {(frame.layout.name, frame.sample_rate) for frame in frames} == {("stereo", 48000)}
    assert all(np.abs(plane).max() > 0.1 for plane in np.concatenate([f.to_ndarray() for f in frames], axis=1))


@pytest.mark.parametrize("audio_s", [1.0, 3.1])
def test_sound_and_picture_end_together(audio_s: float, tmp_path: Path):
    """Short sound is followed by silence; sound that goes on is heard over the last picture."""
    clip = Clip(width=160, height=90, pictures=50, audio_s=audio_s)
    result = transcode(make_clip(tmp_path / "source.mp4", clip), tmp_path / "hls", ladder=SMALL_LADDER)
    assert result.exit_code == 0, result.words
    expected = max(2.0, audio_s)
    assert result.outcome["duration_s"] == pytest.approx(expected, abs=0.05)
    assert result.outcome["audio"]["duration_s"] == pytest.approx(result.outcome["duration_s"], abs=1024 / 48000)


def test_one_picture_is_a_video(tmp_path: Path):
    result = transcode(
        make_clip(tmp_path / "source.mp4", Clip(pictures=1, audio_channels=0)), tmp_path / "hls", ladder=SMALL_LADDER
    )
    assert result.exit_code == 0, result.words
    assert len(read_pictures(result.media("v2"))) == 1


def damaged(data: bytes) -> bytes:
    """Every 50th byte of the pictures' data is wrong."""
    start = data.index(b"mdat") + 200
    return data[:start] + bytes(b ^ 0xFF if n % 50 == 0 else b for n, b in enumerate(data[start:]))


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path):
    clip = Clip(pictures=200, options=(("preset", "ultrafast"), ("g", "10")), audio_channels=0)
    with av.open(str(make_clip(tmp_path / "whole.mp4", clip))) as whole:
        faststart = tmp_path / "source.mp4"
        with av.open(str(faststart), "w", format="mp4", options={"movflags": "faststart"}) as copy:
            stream = copy.add_stream_from_template(whole.streams.video[0])
            for packet in whole.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    copy.mux(packet)
    data = faststart.read_bytes()
    faststart.write_bytes(data[: int(len(data) * 0.8)])
    result = transcode(faststart, tmp_path / "hls", ladder=SMALL_LADDER)
    assert (result.exit_code, result.outcome["reason"]) == (65, "TRUNCATED"), result.words
    assert [path.name for path in result.folder.iterdir() if not path.name.startswith(".")] == ["outcome.json"]


def test_a_damaged_file_is_refused(tmp_path: Path):
    source = make_clip(tmp_path / "source.mp4", Clip(pictures=100, audio_channels=0))
    source.write_bytes(damaged(source.read_bytes()))
    result = transcode(source, tmp_path / "hls", ladder=SMALL_LADDER)
    assert result.exit_code == 65
    assert result.outcome["reason"] in ("CORRUPT", "NOT_MEDIA"), result.words


def test_a_planned_ladder_halves_a_high_rate_for_small_rungs_and_tells_why(tmp_path: Path):
    """At 60000/1001 a second, where segments of 4 s begin at odd pictures unless the plan sees to it."""
    clip = Clip(width=640, height=360, rate=Fraction(60000, 1001), pictures=800, audio_channels=0)
    result = transcode(make_clip(tmp_path / "source.mp4", clip), tmp_path / "hls")
    assert result.exit_code == 0, result.words
    renditions = result.outcome["renditions"]
    assert [(r["name"], r["frame_rate"], r["encoder"]) for r in renditions] == [
        ("240p", 29.97, "libx264"), ("360p", 59.94, "libx264"),
    ]  # fmt: skip
    assert all(r["preset"] for r in renditions)
    assert len(read_pictures(result.media("v1"))) == 400
    assert len(read_pictures(result.media("v2"))) == 800
    assert result.starts("v1") == result.starts("v2")
    plan = result.outcome["plan"]
    assert plan["motion_bpp"] > 0
    assert [rung["name"] for rung in plan["rungs"] if rung["kept"]] == ["240p", "360p"]
    assert all(rung["reason"] for rung in plan["rungs"])
    for curve, rendition in zip(result.outcome["rates"], renditions, strict=True):
        assert (curve["name"], len(curve["bps"])) == (rendition["name"], rendition["segments"])


def test_quality_is_measured_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The larger rendition is nearer to the source; a shift by a picture would show as a low score of both."""
    monkeypatch.setenv("QUALITY", "vmaf")
    clip = Clip(width=640, height=360, pictures=150, audio_channels=0)
    result = transcode(make_clip(tmp_path / "source.mp4", clip), tmp_path / "hls", ladder=SMALL_LADDER)
    assert result.exit_code == 0, result.words
    scores = [rendition["quality"] for rendition in result.outcome["renditions"]]
    assert all(0 <= score["vmaf_low"] <= score["vmaf_mean"] <= 100 for score in scores)
    assert scores[-1]["vmaf_mean"] > 85
    assert scores[-1]["vmaf_mean"] >= scores[0]["vmaf_mean"]
