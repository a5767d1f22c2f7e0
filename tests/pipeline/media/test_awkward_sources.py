"""Sources that a probe refuses, or sees through, for what they are: each made here, and probed in this process."""

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.packet import Packet
from av.stream import Disposition

from pipeline.errors import PermanentError
from pipeline.media.facts import SourceFacts
from pipeline.media.probe import ProbeLimits
from pipeline.media.probing import probe_source
from pipeline.media.survey import TrackSurvey, survey_packets
from tests.fixtures.media import Clip, make_clip, remux

SHORT = Clip(width=64, height=64, pictures=10, audio_channels=0)
MKV = replace(SHORT, container="matroska")


def probe(path: Path) -> SourceFacts:
    return probe_source(path, path.stat().st_size, ProbeLimits(), at_most=None)


def refusal(path: Path) -> str:
    with pytest.raises(PermanentError) as caught:
        probe(path)
    return caught.value.reason


def edited(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


def test_a_codec_that_nobody_knows_is_unsupported(tmp_path: Path):
    path = make_clip(tmp_path / "source.mkv", MKV)
    assert refusal(edited(path, b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ")) == "UNSUPPORTED_CODEC"


def test_a_fairplay_purchase_is_encrypted(tmp_path: Path):
    """Its sample entry is called `drmi`, with a `sinf` box in it."""
    path = edited(make_clip(tmp_path / "source.mp4", SHORT), b"avc1\0", b"drmi\0")
    path.write_bytes(path.read_bytes() + struct.pack(">I4s", 8, b"sinf"))
    assert refusal(path) == "ENCRYPTED"


def test_common_encryption_is_told_by_the_packets(tmp_path: Path):
    """Decoders make something of most of it, and say "not permitted" of the sound."""
    clip = make_clip(tmp_path / "clip.mp4", replace(SHORT, audio_channels=1))
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "11" * 16, "encryption_kid": "22" * 16}
    assert refusal(remux(clip, tmp_path / "source.mp4", "mp4", **options)) == "ENCRYPTED"


def test_a_thousand_tracks_are_too_many_and_no_want_of_memory(tmp_path: Path):
    path = make_clip(tmp_path / "source.mp4", replace(SHORT, pictures=1))
    data = path.read_bytes()
    place = data.index(b"trak") - 4
    track = data[place : place + int.from_bytes(data[place : place + 4], "big")]
    moov = data.index(b"moov") - 4
    size = int.from_bytes(data[moov : moov + 4], "big") + 1100 * len(track)
    path.write_bytes(data[:moov] + struct.pack(">I", size) + data[moov + 4 :] + 1100 * track)
    assert refusal(path) == "TOO_MANY_STREAMS"


def test_a_side_that_no_encoder_takes_is_too_large(tmp_path: Path):
    wide = replace(MKV, codec="rawvideo", pictures=2, height=16)
    assert refusal(make_clip(tmp_path / "source.mkv", replace(wide, width=16_400))) == "DIMENSIONS_EXCEEDED"
    # What it is shown at counts.
    stretched = replace(wide, codec="libx264", width=8000, pixel_aspect=Fraction(4))
    assert refusal(make_clip(tmp_path / "source.mkv", stretched)) == "DIMENSIONS_EXCEEDED"


def test_colours_that_nobody_can_map_are_refused(tmp_path: Path):
    """YCgCo would be shown in green and purple."""
    assert refusal(make_clip(tmp_path / "source.mp4", replace(SHORT, colours=(1, 1, 8)))) == "UNSUPPORTED_CODEC"


def test_an_hour_between_two_packets_of_sound_is_a_hole(tmp_path: Path):
    """The last picture would be held for an hour. Sound that goes on by itself is none."""
    lone = replace(MKV, audio_channels=1, audio_s=0.2, audio_start_s=3600.0)
    assert refusal(make_clip(tmp_path / "late.mkv", lone)) == "TIMESTAMP_GAP"
    early = replace(MKV, audio_channels=1, audio_s=0.2, video_start_s=3600.0)
    assert refusal(make_clip(tmp_path / "early.mkv", early)) == "TIMESTAMP_GAP"
    talk = replace(MKV, audio_channels=1, audio_s=70.0)
    assert probe(make_clip(tmp_path / "talk.mkv", talk)).duration_s == pytest.approx(70, abs=0.1)


def test_a_cover_that_says_it_is_the_default_track_is_none(tmp_path: Path):
    film, path = make_clip(tmp_path / "film.mp4", SHORT), tmp_path / "source.mkv"
    cover = make_clip(tmp_path / "cover.avi", replace(SHORT, codec="mjpeg", pixel_format="yuvj420p", container="avi"))
    with av.open(str(film)) as one, av.open(str(cover)) as two, av.open(str(path), "w") as both:
        tracks = [both.add_stream_from_template(old.streams.video[0]) for old in (two, one)]
        tracks[0].disposition, tracks[1].disposition = Disposition.default, Disposition(0)
        packets = [next(two.demux(video=0)), *one.demux(video=0)]
        for number, packet in enumerate(packets):
            if packet.dts is not None:
                packet.stream = tracks[number > 0]
                both.mux(packet)
    assert probe(path).video.codec == "h264"


def test_packets_of_nothing_hold_the_picture_before_them(tmp_path: Path):
    """Theora and NUT write a picture that does not change like this."""
    path = tmp_path / "source.nut"
    clip = make_clip(tmp_path / "clip.mp4", replace(SHORT, options=(("preset", "ultrafast"), ("bf", "0"))))
    with av.open(str(clip)) as old, av.open(str(path), "w") as new:
        track = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = track
                new.mux(packet)
        for repeated in range(10, 15):
            nothing = Packet(b"")
            nothing.stream, nothing.time_base = track, Fraction(1, 25)
            nothing.pts = nothing.dts = repeated
            nothing.duration = 1
            new.mux(nothing)
    with av.open(str(path)) as container:
        pictures, _, _ = survey_packets(container, container.streams.video[0], None, at_most=None)
    assert pictures.packets == SHORT.pictures
    assert pictures.end_s == pytest.approx(15 / 25)


def test_a_track_that_shows_up_on_the_way_does_no_harm(tmp_path: Path):
    """FLV has its tracks in no list: here sound begins after all that FFmpeg looks at first."""
    path = tmp_path / "source.flv"
    clip = make_clip(tmp_path / "clip.mp4", replace(SHORT, pictures=250, rate=Fraction(10), audio_channels=1))
    remux(clip, path, "flv")
    data = path.read_bytes()
    # Tags are a byte of kind, three of length and seven more, with the length again behind: sound's are left out at
    # first, and the header says that there is none.
    tags, place = [data[:4] + b"\x01" + data[5:13]], 13
    while place < len(data):
        length = 15 + int.from_bytes(data[place + 1 : place + 4], "big")
        at_ms = int.from_bytes(data[place + 4 : place + 7], "big")
        if data[place] == 9 or (data[place] == 8 and at_ms >= 20_000):
            tags.append(data[place : place + length])
        place += length
    path.write_bytes(b"".join(tags))
    assert probe(path).video.packets == 250


@pytest.mark.parametrize("container", ["matroska", "mpegts"])
def test_a_piece_that_is_lost_in_the_middle_is_no_picture_that_stands_still(container: str, tmp_path: Path):
    """A disk with a bad sector, a download with a hole: the container goes on behind it, seconds later."""
    clip = Clip(width=64, height=64, pictures=250, audio_channels=1, options=(("preset", "ultrafast"), ("g", "25")))
    whole = make_clip(tmp_path / "clip", clip)
    path = remux(whole, tmp_path / "source", container)
    assert probe(path).duration_s == pytest.approx(10, abs=0.2)
    data = path.read_bytes()
    # Whole packets of a transport stream.
    begins, ends = len(data) * 4 // 10 // 188 * 188, len(data) * 6 // 10 // 188 * 188
    path.write_bytes(data[:begins] + bytes(ends - begins) + data[ends:])
    assert refusal(path) == "CORRUPT"


def test_a_recording_of_slides_with_rubbish_behind_it_is_whole():
    """Its pictures are seconds apart, and somebody talks."""
    pictures, sounds = TrackSurvey(Fraction(1, 1000)), TrackSurvey(Fraction(1, 1000))
    for at_ms in (0, 40, 80, 120, 160, 3000, 6000):
        pictures.add(at_ms, 40)
    for at_ms in range(0, 6040, 20):
        sounds.add(at_ms, 20)
    pictures.damaged = True
    pictures.refuse_loss(sounds)
