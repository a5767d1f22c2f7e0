"""The plan is decided by pure functions: these are its rules."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.transcode.planning.plan import AUDIO_PACKET, AUDIO_RATE, Grid, plan_transcode
from pipeline.contracts.transcode import Source, TranscodeSpec
from pipeline.media.facts import AudioFacts, Colour, Orientation, SourceFacts, VideoFacts
from pipeline.media.frame_rate import choose_rate, limit_rate

SPEC = TranscodeSpec(video_id="v", source=Source(url="file:///x", etag=None, size_bytes=1, filename="x"))


def video(
    width: int = 1920, height: int = 1080, *, start_s: float = 0.0, duration_s: float = 10.0, rate: int = 25
) -> VideoFacts:
    return VideoFacts(
        index=0,
        codec="h264",
        coded_width=width,
        coded_height=height,
        display_width=width,
        display_height=height,
        orientation=Orientation(),
        pixel_format="yuv420p",
        bit_depth=8,
        rate_num=rate,
        rate_den=1,
        variable_rate=False,
        interlaced=False,
        colour=Colour(),
        start_s=start_s,
        duration_s=duration_s,
        declared_s=duration_s,
        packets=250,
    )


def facts(seen: VideoFacts, *, sound: tuple[float, float] | None = None) -> SourceFacts:
    """`sound` is when it starts and how long it lasts."""
    heard = (
        AudioFacts(
            index=1, codec="aac", channels=2, sample_rate=48000, language=None, start_s=sound[0], duration_s=sound[1]
        )
        if sound
        else None
    )
    return SourceFacts(
        container="mp4",
        size_bytes=1,
        duration_s=seen.duration_s,
        header_s=None,
        video=seen,
        audio=heard,
        video_streams=1,
        audio_streams=1,
        other_streams=0,
        complete=True,
    )


RATES = st.sampled_from(
    [Fraction(25), Fraction(30000, 1001), Fraction(25, 2), Fraction(60), Fraction(1), Fraction(24000, 1001)]
)


@given(RATES, st.integers(1, 5000), st.integers(1, 10))
def test_segments_tile_the_pictures_on_the_grid(rate: Fraction, pictures: int, segment_s: int):
    grid = Grid(rate_num=rate.numerator, rate_den=rate.denominator, pictures=pictures, segment_s=segment_s)
    starts = grid.starts()
    assert starts[0] == 0
    assert list(starts) == sorted(set(starts))
    assert starts[-1] < pictures
    for number, first in enumerate(starts):
        # The first picture at or after the grid's time.
        assert 0 <= first / rate - number * segment_s < 1 / rate
    assert (len(starts)) * segment_s * rate >= pictures - 1
    assert Fraction(grid.picture_units, grid.timescale) == 1 / rate
    assert grid.timescale >= 10_000


@given(RATES, st.integers(2, 5000))
def test_half_of_the_pictures_are_cut_at_the_same_times(rate: Fraction, pictures: int):
    whole = Grid(rate_num=rate.numerator, rate_den=rate.denominator, pictures=pictures, segment_s=4, cut_multiple=2)
    half = whole.thinned(2)
    assert [first / half.rate for first in half.starts()] == [first / whole.rate for first in whole.starts()]
    assert {key / half.rate for key in half.key_pictures()} == {key / whole.rate for key in whole.key_pictures()}
    assert set(whole.starts()) <= whole.key_pictures()
    assert 0 <= half.duration_s - whole.duration_s < 1 / half.rate


@given(RATES, st.integers(1, 5000))
def test_sound_is_cut_within_a_packet_of_the_picture(rate: Fraction, pictures: int):
    grid = Grid(rate_num=rate.numerator, rate_den=rate.denominator, pictures=pictures, segment_s=4)
    for packet, first in zip(grid.audio_starts(), grid.starts(), strict=True):
        assert abs(Fraction(packet * AUDIO_PACKET, AUDIO_RATE) - first / rate) <= Fraction(AUDIO_PACKET, 2 * AUDIO_RATE)
    assert grid.audio_packets > grid.audio_starts()[-1]
    assert 0 <= Fraction(grid.audio_packets * AUDIO_PACKET, AUDIO_RATE) - grid.duration_s <= Fraction(1024, 48000) * 2


@pytest.mark.parametrize(
    ("picture", "sound", "origin_s", "pictures"),
    [
        ((0.0, 10.0), None, 0.0, 250),
        ((0.0, 10.0), (0.0, 10.02), 0.0, 250),
        ((0.0, 10.0), (-0.021, 10.0), 0.0, 250),
        ((0.067, 10.0), (0.0, 10.0), 0.067, 250),
        ((8.3, 10.0), (8.7, 10.0), 8.3, 260),
        ((1.0, 10.0), (0.0, 11.0), 0.0, 275),
        ((0.0, 10.0), (0.0, 15.0), 0.0, 375),
        ((0.0, 10.0), (0.0, 4.0), 0.0, 250),
    ],
)
def test_where_time_begins_and_how_long_it_lasts(
    picture: tuple[float, float], sound: tuple[float, float] | None, origin_s: float, pictures: int
):
    plan = plan_transcode(SPEC, facts(video(start_s=picture[0], duration_s=picture[1]), sound=sound))
    assert plan.origin_s == pytest.approx(origin_s)
    assert plan.grid.pictures == pictures
    assert plan.source_s == pytest.approx(pictures / 25, abs=0.04)


MS = Fraction(1, 1000)


@pytest.mark.parametrize(
    ("stamps", "unit", "hints", "rate", "variable"),
    [
        (range(100), Fraction(1, 25), [Fraction(25)], Fraction(25), False),
        ([round(n * 1001 / 30) for n in range(900)], MS, [Fraction(1000)], Fraction(30000, 1001), False),
        ([round(n * 1000 / 30) for n in range(900)], MS, [Fraction(612)], Fraction(30), False),
        ([round(n * 1000 / 30) for n in range(30)], MS, [Fraction(30000, 1001)], Fraction(30000, 1001), False),
        (range(500), Fraction(1, 120), [], Fraction(60), False),
        (range(500), Fraction(1, 240), [], Fraction(60), False),
        (range(50), Fraction(5), [], Fraction(1), False),
        ([0], MS, [Fraction(30)], Fraction(30), False),
        ([0], MS, [Fraction(8, 10_000)], Fraction(25), False),
        ([0, 33, 66, 100, 133, 900, 933, 966, 1000, 4000, 4033], MS, [], Fraction(30), True),
    ],
)
def test_the_rate_is_what_the_stamps_say(
    stamps: list[int],
    unit: Fraction,
    hints: list[Fraction],
    rate: Fraction,
    variable: bool,  # noqa: FBT001
):
    assert choose_rate(list(stamps), unit, hints) == (rate, variable)


@given(st.fractions(min_value=Fraction(1, 1000), max_value=100_000))
def test_a_rate_is_always_one_that_mp4_can_write(rate: Fraction):
    limited = limit_rate(rate)
    assert 1 <= limited <= 60
    assert limited.numerator <= 1_000_000
