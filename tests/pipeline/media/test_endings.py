"""A copy that broke off is known by its container's own form, and a whole one raises no alarm."""

import io
import struct
from dataclasses import replace
from pathlib import Path

import av
import pytest

from pipeline.media.endings import missing_end
from tests.fixtures.media import Clip, make_clip

CLIP = Clip(width=64, height=64, pictures=50, audio_channels=0)
PLAIN = {
    "avi": (replace(CLIP, codec="mpeg4", container="avi"), {}),
    "asf": (replace(CLIP, codec="wmv2", container="asf"), {}),
    "mpeg": (replace(CLIP, codec="mpeg2video", container="mpeg"), {}),
    "mpegts": (replace(CLIP, container="mpegts"), {}),
    "matroska": (CLIP, {"live": "1"}),
    "mp4": (CLIP, {"movflags": "frag_keyframe+empty_moov", "frag_duration": "200000"}),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    made = {}
    for name, (clip, options) in PLAIN.items():
        path = make_clip(folder / f"clip.{name}", clip)
        if options:
            with av.open(str(path)) as old, av.open(str(folder / name), "w", format=name, options=options) as new:
                track = new.add_stream_from_template(old.streams.video[0])
                for packet in old.demux(video=0):
                    if packet.dts is not None:
                        packet.stream = track
                        new.mux(packet)
            path = folder / name
        made[name] = path.read_bytes()
    # A page of Ogg with two segments (RFC 3533), and one more.
    page = b"OggS" + bytes(22) + bytes([2, 255, 45]) + bytes(300)
    made["ogg"] = page * 7
    return made


def format_of(data: bytes) -> str:
    if data.startswith(b"OggS"):
        return "ogg"
    with av.open(io.BytesIO(data)) as container:
        return str(container.format.name)


@pytest.mark.parametrize("name", [*PLAIN, "ogg"])
def test_a_cut_file_is_told_from_a_whole_one(name: str, whole: dict[str, bytes]):
    data = whole[name]
    assert missing_end(format_of(data), io.BytesIO(data)) is None
    for percent in (20, 47, 66, 95):
        # An odd place: containers of whole sectors can be cut between two of them, and then tell nothing.
        cut = data[: len(data) * percent // 100 | 1]
        assert missing_end(format_of(data), io.BytesIO(cut)) is not None, percent


@pytest.mark.parametrize("name", ["avi", "asf"])
def test_a_length_that_a_recorder_never_filled_in_means_nothing(name: str, whole: dict[str, bytes]):
    """A camera that lost its power, a broadcast: what is there is what there was."""
    data = whole[name]
    match name:
        case "avi":
            data = data[:4] + bytes(4) + data[8:]
        case "asf":
            place = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
            data = data[: place + 88] + struct.pack("<I", 1) + data[place + 92 :]
    assert missing_end(name, io.BytesIO(data[: len(data) // 2])) is None


def test_sectors_that_are_filled_up_with_zeros_are_whole(whole: dict[str, bytes]):
    assert missing_end("mpeg", io.BytesIO(whole["mpeg"] + bytes(2048))) is None


def test_an_mp4_that_says_in_front_how_long_it_is_may_end_where_it_likes(tmp_path: Path):
    """Some muxers write a length of the media that no file can have; all samples are there."""
    data = make_clip(tmp_path / "clip.mp4", CLIP).read_bytes()
    assert missing_end("mov,mp4,m4a,3gp,3g2,mj2", io.BytesIO(data[: len(data) // 2])) is None
