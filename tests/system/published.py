"""What is published, read back as a player would, through the address that the API gives out."""

import re
from urllib.parse import urljoin

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
