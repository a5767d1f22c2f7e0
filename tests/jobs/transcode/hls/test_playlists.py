"""What playlists say, of values alone; that players and parsers accept it is tested on whole streams."""

from fractions import Fraction

import m3u8
import pytest

from jobs.transcode.hls.languages import language_name, language_tag
from jobs.transcode.hls.playlists import IFrame, IFramePlaylist, order_for_phones, write_iframe_playlist, write_master
from jobs.transcode.measuring.rates import average_bps, peak_bps
from pipeline.contracts.transcode import AudioRendition, Rendition


def rendition(height: int, peak_bps: int) -> Rendition:
    return Rendition(
        name=f"{height}p",
        width=height * 16 // 9,
        height=height,
        frame_rate=30,
        codecs="avc1.64001e",
        bytes=1,
        segments=1,
        duration_s=4,
        average_bps=peak_bps // 2,
        peak_bps=peak_bps,
        playlist=f"v{height}/index.m3u8",
    )


SOUND = AudioRendition(
    name="한국어",
    language="ko",
    sample_rate=48_000,
    channels=2,
    codecs="mp4a.40.2",
    bytes=1,
    segments=1,
    duration_s=4,
    average_bps=128_000,
    peak_bps=131_000,
    playlist="audio/index.m3u8",
)


@pytest.mark.parametrize(
    ("peaks", "first"),
    [((400, 900, 3000), 360), ((40, 80, 200), 720), ((1300, 2600, 6000), 240), ((400, 1100, 3000), 240)],
)
def test_the_first_variant_is_the_best_that_a_phone_carries(peaks: tuple[int, int, int], first: int):
    ladder = [rendition(height, kbps * 1000) for height, kbps in zip((240, 360, 720), peaks, strict=True)]
    heights = [item.height for item in order_for_phones(ladder, sound_bps=131_000)]
    assert heights == [first, *(height for height in (240, 360, 720) if height != first)]


@pytest.mark.parametrize(("video_bps", "variants"), [(61_000, 1), (61_001, 2)])
def test_sound_alone_is_a_variant_where_no_picture_fits_the_worst_connection(video_bps: int, variants: int):
    master = m3u8.loads(write_master([rendition(240, video_bps)], SOUND, []))
    assert min(variant.stream_info.bandwidth for variant in master.playlists) <= 192_000
    assert [variant.uri for variant in master.playlists] == ["v240/index.m3u8", "audio/index.m3u8"][:variants]
    assert master.playlists[-1].stream_info.audio == master.media[0].group_id


def test_a_language_is_named_in_itself_and_by_its_shortest_tag():
    master = m3u8.loads(write_master([rendition(240, 1000)], SOUND, []))
    assert (master.media[0].language, master.media[0].name) == ("ko", "한국어")
    assert [language_tag(said) for said in ("kor", "ger", "en-US", "yue", None)] == ["ko", "de", "en-US", "yue", "und"]
    assert [language_name(tag) for tag in ("de", "en-US", "yue", "und")] == ["Deutsch", "English", "yue", "Audio"]


@pytest.mark.parametrize("said", ['en",URI="http://elsewhere/"', "k\nor", "", "e", "english language"])
def test_what_a_file_calls_a_language_cannot_write_a_playlist(said: str):
    assert language_tag(said) == "und"


def test_an_iframe_playlist_names_the_bytes_of_each_key_frame():
    frames = (IFrame("00000.m4s", Fraction(2), 24, 900), IFrame("00000.m4s", Fraction(60, 29), 5000, 800))
    parsed = m3u8.loads(write_iframe_playlist(IFramePlaylist("init.mp4", frames)))
    assert parsed.is_i_frames_only
    assert [(item.uri, item.byterange) for item in parsed.segments] == [
        ("00000.m4s", "900@24"),
        ("00000.m4s", "800@5000"),
    ]
    assert parsed.target_duration == 3


def test_a_short_last_segment_is_a_peak_only_with_its_neighbour():
    parts = [(1000, Fraction(4)), (1000, Fraction(4)), (800, Fraction(1, 2))]
    assert average_bps(parts) == round(2800 * 8 / 8.5)
    assert peak_bps(parts) == round(1800 * 8 / 4.5)
