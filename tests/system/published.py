"""What is published, read back as a player would, through the address that the API gives out."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import urljoin

import av
import m3u8
import requests

from tests.system.academy import Academy


def fetch(url: str) -> requests.Response:
    reply = requests.get(url, timeout=30)
    assert reply.status_code == 200, f"{url}: {reply.status_code}"
    return reply


def assert_one_stream_is_published(academy: Academy, video_id: str, *, attempt: int) -> None:
    """The video is READY on this attempt's outputs, and every file that its playlists name is there with its type."""
    row = academy.video(video_id)
    assert row["status"] == "READY", row
    assert f"-{attempt}/" in row["hls_path"]
    master = fetch(row["hls_url"])
    assert master.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    multivariant = m3u8.loads(master.text)
    assert multivariant.is_variant
    media = [p.uri for p in [*multivariant.playlists, *multivariant.media, *multivariant.iframe_playlists]]
    base = row["hls_url"].split("?")[0]
    for uri in media:
        url = urljoin(base, uri)
        playlist = m3u8.loads(fetch(url).text)
        assert playlist.is_endlist
        assert playlist.segments
        names = {s.uri for s in playlist.segments} | {s.init_section.uri for s in playlist.segments if s.init_section}
        for name in names:
            assert len(fetch(urljoin(url, name)).content) > 0
    thumbnail = fetch(row["thumbnail_url"])
    assert thumbnail.content[:3] == b"\xff\xd8\xff"
    storyboard = fetch(row["storyboard_url"])
    assert storyboard.headers["Content-Type"].startswith("text/vtt")
    sheets = set(re.findall(r"^(\S+)#xywh=", storyboard.text, re.MULTILINE))
    assert sheets
    for sheet in sheets:
        assert fetch(urljoin(row["storyboard_url"], sheet)).content[:3] == b"\xff\xd8\xff"


@dataclass(frozen=True)
class Played:
    """What a player finds: each track's segment lengths, when each picture is shown, and all of the sound."""

    lengths_s: dict[str, tuple[float, ...]]
    pictures_s: dict[str, tuple[Fraction, ...]]
    sound: bytes


def play(academy: Academy, video_id: str) -> Played:
    base = academy.video(video_id)["hls_url"].split("?")[0]
    return play_from(lambda path: fetch(urljoin(base, path)).content)


def play_from(read: Callable[[str], bytes]) -> Played:
    """Decode every track from its first segment to its last, as one stream. `read` is given paths beside the master."""
    multivariant = m3u8.loads(read("master.m3u8").decode())
    lengths_s, pictures_s, sound = {}, {}, b""
    for uri in [variant.uri for variant in multivariant.playlists] + [media.uri for media in multivariant.media]:
        playlist = m3u8.loads(read(uri).decode())
        names = [playlist.segment_map[0].uri, *(segment.uri for segment in playlist.segments)]
        data = b"".join(read(urljoin(uri, name)) for name in names)
        lengths_s[uri] = tuple(segment.duration for segment in playlist.segments)
        with av.open(io.BytesIO(data), "r") as container:
            if container.streams.video:
                pictures_s[uri] = tuple(_shown_s(frame) for frame in container.decode(video=0))
            else:
                sound = b"".join(frame.to_ndarray().tobytes() for frame in container.decode(audio=0))
    return Played(lengths_s, pictures_s, sound)


def _shown_s(frame: "av.VideoFrame") -> Fraction:
    assert frame.pts is not None
    assert frame.time_base is not None
    return frame.pts * frame.time_base
