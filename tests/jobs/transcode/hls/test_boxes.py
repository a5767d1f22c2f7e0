"""Boxes that are written are read back as they were, also by FFmpeg; what is no box is an error."""

from fractions import Fraction

import pytest

from jobs.transcode.devices.encoders import open_audio_encoder, open_video_encoder
from jobs.transcode.hls.boxes import (
    STYP,
    Sample,
    length_prefixed,
    media_fragment,
    read_codecs,
    read_delay,
    read_segment,
    read_timescale,
    walk,
    with_edit_list,
)
from jobs.transcode.planning.ladder import RungPlan
from jobs.transcode.planning.plan import Grid

RUNG = RungPlan(name="a", folder="v1", width=160, height=90, video_bps=100_000)
GRID = Grid(rate_num=30000, rate_den=1001, pictures=100, segment_s=4)


def test_a_segment_says_when_it_begins_and_how_long_it_lasts():
    samples = [
        Sample(b"I" * 9, 2002, is_sync=True),
        Sample(b"P" * 5, 3003, is_sync=False),
        Sample(b"B", 1001, is_sync=False),
    ]
    times = read_segment(STYP + media_fragment(samples, number=3, start_units=360_360, sample_units=1001))
    assert (times.start_units, times.units, times.samples) == (360_360, 3003, 3)
    assert times.first_shown_units == 360_360 + 2002
    assert times.fragments[0].starts_with_sync


def test_start_codes_become_lengths():
    units = [b"\x67\x01", b"\x68\x02\x03", b"\x65" + b"\x10\x00\x00\x03\x01" * 3]
    annex_b = b"\0\0\0\1" + units[0] + b"\0\0\1" + units[1] + b"\0\0\0\1" + units[2] + b"\0"
    assert length_prefixed(annex_b) == b"".join(len(unit).to_bytes(4) + unit for unit in units)


def test_an_init_segment_tells_its_codecs_and_units():
    with open_video_encoder(RUNG, GRID, matrix=1) as (_, init):
        assert read_codecs(init).startswith("avc1.64")
        assert read_timescale(init) == GRID.timescale
        assert read_delay(init) == 0
        edited = with_edit_list(init, 2 * GRID.picture_units)
    assert read_delay(edited) == 2 * GRID.picture_units
    assert [path for path, _ in walk(edited) if b"edts" not in path] == [path for path, _ in walk(init)]
    with open_audio_encoder(64_000) as (_, init):
        assert (read_codecs(init), read_timescale(init)) == ("mp4a.40.2", 48_000)


@pytest.mark.parametrize("data", [b"\0\0\0\x20moof1234", b"\0\0\0\4moof", b"\0\0\0\x0bmdat123xyz"])
def test_sizes_that_do_not_fit_are_an_error(data: bytes):
    with pytest.raises(ValueError, match=r"box|left over"):
        list(walk(data))


def test_a_segment_whose_samples_do_not_fit_its_data_is_an_error():
    segment = STYP + media_fragment([Sample(b"abc", 0, is_sync=True)], number=0, start_units=0, sample_units=1)
    shorter = segment[:-3] + b"ab"
    place = shorter.rindex(b"mdat") - 4
    shorter = shorter[:place] + (10).to_bytes(4) + shorter[place + 4 :]
    with pytest.raises(ValueError, match="samples of 3 bytes in 2 bytes"):
        read_segment(shorter)


def test_the_grid_of_ntsc_is_exact():
    assert [first / GRID.rate for first in GRID.starts()] == [0]
    assert Fraction(GRID.picture_units, GRID.timescale) == Fraction(1001, 30000)
