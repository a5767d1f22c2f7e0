"""What a probe says of made sources, and which reason it refuses others with."""

import re
import threading
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import pytest

from pipeline.errors import JobError, PermanentError, TransientError
from pipeline.media.facts import Orientation
from pipeline.media.probe import ProbeLimits, probe_file, probe_url
from pipeline.settings import Settings
from tests.fixtures.media import Clip, make_clip

LIMITS = ProbeLimits()


def test_a_plain_file_is_described(tmp_path: Path):
    path = make_clip(tmp_path / "source.mp4", Clip(rate=Fraction(30000, 1001), pictures=60))
    facts = probe_file(path, LIMITS)
    assert facts.duration_s == pytest.approx(2.0, abs=0.05)
    assert facts.size_bytes == path.stat().st_size
    assert facts.complete
    assert (facts.video.codec, facts.video.pixel_format, facts.video.bit_depth) == ("h264", "yuv420p", 8)
    assert (facts.video.display_width, facts.video.display_height) == (320, 180)
    assert facts.video.rate == Fraction(30000, 1001)
    assert not facts.video.variable_rate
    assert facts.audio is not None
    assert (facts.audio.codec, facts.audio.channels, facts.audio.sample_rate) == ("aac", 2, 48000)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_all_eight_display_matrices_are_understood(tmp_path: Path, quarter_turns: int, mirrored: bool):  # noqa: FBT001
    clip = Clip(pictures=3, audio_channels=0, quarter_turns=quarter_turns, mirrored=mirrored)
    video = probe_file(make_clip(tmp_path / "source.mp4", clip), LIMITS).video
    assert video.orientation == Orientation(mirrored=mirrored, quarter_turns=quarter_turns)
    size = (video.display_width, video.display_height)
    assert size == ((180, 320) if quarter_turns % 2 else (320, 180))


def test_the_duration_is_measured_where_the_header_does_not_tell(tmp_path: Path):
    """Browsers record WebM with neither duration nor index."""
    path = make_clip(tmp_path / "source.mkv", Clip(container="matroska", pictures=100))
    # Segment Info's Duration (0x4489, 8 bytes) becomes an empty element (0xEC) of the same length.
    data = path.read_bytes()
    place = data.index(b"\x44\x89\x88")
    path.write_bytes(data[:place] + b"\xec\x89" + bytes(9) + data[place + 11 :])
    facts = probe_file(path, LIMITS)
    assert facts.header_s is None or facts.header_s == pytest.approx(4.0, abs=0.1)
    assert facts.duration_s == pytest.approx(4.0, abs=0.1)


BAD_FILES = {
    "nothing": (b"", "EMPTY_FILE"),
    "a playlist": (b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.1/secret\n", "PLAYLIST_FORBIDDEN"),
    "a concat script": (b"ffconcat version 1.0\nfile /etc/passwd\n", "PLAYLIST_FORBIDDEN"),
    "a DASH manifest": (b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>', "PLAYLIST_FORBIDDEN"),
    "text": (b"Dear teacher, the video did not upload.\n", "NOT_MEDIA"),
    "a session description": (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "NOT_MEDIA"),
    "a PDF": (b"%PDF-1.7\n" + bytes(range(256)) * 8, "NOT_MEDIA"),
    "a PNG": (b"\x89PNG\r\n\x1a\n" + bytes(64), "NOT_MEDIA"),
    "noise": (bytes((n * n * 7919) % 251 for n in range(20_000)), "NOT_MEDIA"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_what_is_no_video_is_refused_with_its_reason(name: str, tmp_path: Path):
    data, reason = BAD_FILES[name]
    path = tmp_path / "source.mp4"
    path.write_bytes(data)
    with pytest.raises(PermanentError) as caught:
        probe_file(path, LIMITS)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_pixels": 320 * 180 - 1}, "DIMENSIONS_EXCEEDED"),
        ({"max_streams": 1}, "TOO_MANY_STREAMS"),
        ({"max_duration_s": 1.5}, "TOO_LONG"),
        ({"max_source_rate": 24}, "BAD_TIMESTAMPS"),
    ],
)
def test_limits_of_the_source_are_held(limits: dict[str, float], reason: str, tmp_path: Path):
    path = make_clip(tmp_path / "source.mp4", Clip())
    with pytest.raises(PermanentError) as caught:
        probe_file(path, LIMITS.model_copy(update=limits))
    assert caught.value.reason == reason


def test_at_their_limits_sources_pass_and_faster_ones_are_thinned(tmp_path: Path):
    """25 pictures a second, two streams and two seconds are what the clip has."""
    at_most: dict[str, float] = {
        "max_pixels": 320 * 180,
        "max_streams": 2,
        "max_source_rate": 25,
        "max_output_rate": 10,
    }
    facts = probe_file(make_clip(tmp_path / "source.mp4", Clip()), LIMITS.model_copy(update=at_most))
    # Every third picture: the fewest that must be left out.
    assert facts.video.rate == Fraction(25, 3)


def test_the_defaults_are_those_that_are_promised():
    limits = Settings().transcode_limits
    assert (limits.max_pixels, limits.max_streams, limits.max_gap_s) == (35_400_000, 32, 60)
    assert (limits.max_duration_s, limits.max_source_rate, limits.max_output_rate) == (12 * 3600, 240, 60)


def test_every_limit_is_a_setting(monkeypatch: pytest.MonkeyPatch):
    chosen = {
        "MAX_PIXELS": 1000, "MAX_DURATION_S": 60, "MAX_STREAMS": 3, "MAX_GAP_S": 2, "MAX_SOURCE_RATE": 50,
        "MAX_OUTPUT_RATE": 30, "PROBE_MEMORY_MIB": 512,
    }  # fmt: skip
    for name, value in chosen.items():
        monkeypatch.setenv(name, str(value))
    limits = Settings().transcode_limits
    assert {name: getattr(limits, name.lower()) for name in chosen} == chosen
    probe = ProbeLimits.of(limits, timeout_s=5)
    assert {name: getattr(probe, name.lower()) for name in list(chosen)[:-1]} == dict(list(chosen.items())[:-1])
    assert probe.memory_mib == 512


def test_a_hole_in_time_is_refused(tmp_path: Path):
    stamps = [*range(0, 400, 40), *range(90_000, 90_400, 40)]
    clip = Clip(container="matroska", stamps_ms=stamps, audio_channels=0)
    with pytest.raises(PermanentError, match=r"TIMESTAMP_GAP: a hole of 89\.\d s"):
        probe_file(make_clip(tmp_path / "source.mkv", clip), LIMITS)


def test_sound_alone_is_refused(tmp_path: Path):
    path = tmp_path / "sound.mp4"
    with av.open(str(make_clip(tmp_path / "both.mp4", Clip()))) as both, av.open(str(path), "w") as sound:
        track = sound.add_stream_from_template(both.streams.audio[0])
        for packet in both.demux(audio=0):
            if packet.dts is not None:
                packet.stream = track
                sound.mux(packet)
    with pytest.raises(PermanentError, match="NO_VIDEO_STREAM"):
        probe_file(path, LIMITS)


class Served:
    """Answers ranged GETs for one file, or with `status`; counts the bytes that it sends."""

    def __init__(self) -> None:
        self.data = b""
        self.status = 206
        self.sent = 0
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                assert match is not None, "every read is a range"
                body = served.data[int(match[1]) : int(match[2]) + 1] if served.status == 206 else b"no"
                self.send_response(served.status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Range", f"bytes {match[1]}-{match[2]}/{len(served.data)}")
                self.end_headers()
                self.wfile.write(body)
                served.sent += len(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/source?X-Signature=secret"


@pytest.fixture
def served() -> Iterator[Served]:
    store = Served()
    thread = threading.Thread(target=store.server.serve_forever, daemon=True)
    thread.start()
    yield store
    store.server.shutdown()
    store.server.server_close()
    thread.join()


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
def test_a_url_is_described_as_the_file_is(container: str, tmp_path: Path, served: Served):
    path = make_clip(tmp_path / "source", Clip(container=container))
    served.data = path.read_bytes()
    ours, theirs = probe_file(path, LIMITS), probe_url(served.url, len(served.data), LIMITS)
    assert theirs.duration_s == pytest.approx(ours.duration_s, abs=0.1)
    same = {"duration_s", "declared_s", "packets", "start_s"}
    assert theirs.video.model_dump(exclude=same) == ours.video.model_dump(exclude=same)


def test_a_long_file_is_not_read_whole(tmp_path: Path, served: Served):
    clip = Clip(
        width=640,
        height=360,
        pictures=600,
        container="matroska",
        codec="mjpeg",
        pixel_format="yuvj420p",
        audio_channels=0,
    )
    path = make_clip(tmp_path / "source.mkv", clip)
    served.data = path.read_bytes()
    assert probe_url(served.url, len(served.data), LIMITS).duration_s == pytest.approx(24, abs=0.1)
    assert served.sent < len(served.data) / 2


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (404, PermanentError, "SOURCE_GONE"),
        (403, PermanentError, "SOURCE_GONE"),
        (416, PermanentError, "SOURCE_CHANGED"),
        (503, TransientError, "STORAGE_UNAVAILABLE"),
    ],
)
def test_what_the_store_answers_is_told(status: int, kind: type[JobError], reason: str, served: Served):
    served.status = status
    with pytest.raises(kind) as caught:
        probe_url(served.url, 100_000, LIMITS)
    assert caught.value.reason == reason
    assert "secret" not in str(caught.value)


def test_a_playlist_behind_a_url_is_refused(served: Served):
    served.data = b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n"
    with pytest.raises(PermanentError, match="PLAYLIST_FORBIDDEN"):
        probe_url(served.url, len(served.data), LIMITS)
