"""Which picture stands for which seconds, and that it is the one on the sheet."""

import re
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from jobs.transcode.devices.encoders import X264
from jobs.transcode.encoding.pictures import Picture
from jobs.transcode.encoding.rendition import encode_rendition
from jobs.transcode.planning.ladder import RungPlan
from jobs.transcode.planning.plan import Grid
from jobs.transcode.stills.storyboard import MAX_TILES, KeyFrame, list_key_frames, plan_storyboard, write_vtt
from jobs.transcode.stills.storyboarding import draw_storyboard
from tests.fixtures.media import read_pictures


def every_two_seconds(duration_s: float) -> list[KeyFrame]:
    return [KeyFrame(segment="00000.m4s", offset=24, size_bytes=9, at_s=at) for at in np.arange(0, duration_s, 2.0)]


def test_a_tile_shows_a_moment_of_its_own_seconds():
    plan = plan_storyboard(every_two_seconds(61.5), duration_s=61.5, width=426, height=240)
    assert [tile.from_s for tile in plan.tiles] == list(range(0, 61, 5))
    assert all(tile.from_s <= tile.frame.at_s < tile.to_s for tile in plan.tiles)
    assert plan.tiles[-1].to_s == 61.5
    assert (plan.width, plan.height) == (240, 136)


@pytest.mark.parametrize(("duration_s", "every_s"), [(1800, 5), (1801, 6), (3600, 10), (12 * 3600, 120)])
def test_tiles_of_long_videos_are_further_apart(duration_s: int, every_s: int):
    plan = plan_storyboard(every_two_seconds(duration_s), duration_s=duration_s, width=240, height=426)
    assert len(plan.tiles) <= MAX_TILES
    assert {tile.to_s - tile.from_s for tile in plan.tiles[:-1]} == {every_s}
    assert (plan.width, plan.height) == (136, 240)


def test_the_index_covers_all_seconds_once_and_no_rectangle_twice():
    plan = plan_storyboard(every_two_seconds(400.25), duration_s=400.25, width=320, height=180)
    text = write_vtt(plan)
    times = re.findall(r"(\d\d):(\d\d):(\d\d\.\d{3}) --> (\d\d):(\d\d):(\d\d\.\d{3})", text)
    ends = [[3600 * int(h) + 60 * int(m) + float(s) for h, m, s in (found[:3], found[3:])] for found in times]
    spans = [(start, end) for start, end in ends]
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == 400.25
    places = re.findall(r"(\d{3}\.jpg)#xywh=(\d+),(\d+),240,136", text)
    assert len(set(places)) == len(places) == 81
    assert {name for name, _, _ in places} == {"000.jpg", "001.jpg", "002.jpg"}
    assert max(int(x) for _, x, _ in places) == 5 * 240


def test_the_sheet_holds_the_picture_that_is_shown_then(tmp_path: Path):
    """Brightness rises with time, so that each tile's says when it was taken."""
    grid = Grid(rate_num=5, rate_den=1, pictures=100, segment_s=4)
    rung = RungPlan(name="90p", folder="v1", width=160, height=90, video_bps=100_000)
    pictures = (Picture(number=n, frame=grey(30 + 2 * n), is_key=n in grid.key_pictures()) for n in range(100))
    track = encode_rendition(
        pictures,
        rung=rung,
        grid=grid,
        segments=range(5),
        every=1,
        matrix=1,
        video_encoder=X264,
        output=tmp_path,
        hand_on=None,
        on_packet=lambda: None,
    )
    plan = plan_storyboard(list_key_frames(track), duration_s=20, width=160, height=90)
    draw_storyboard(plan, track=tmp_path / "v1", target=tmp_path / "storyboard")
    (sheet,) = read_pictures((tmp_path / "storyboard" / "000.jpg").read_bytes())
    assert (sheet.width, sheet.height) == (4 * 160, 90)
    levels = sheet.reformat(format="rgb24").to_ndarray()[:, :, 0].astype(float)
    for number, at_s in enumerate((2, 8, 12, 18)):
        shown = levels[10:80, number * 160 + 10 : number * 160 + 150].mean()
        assert shown == pytest.approx(30 + 10 * at_s, abs=4), f"tile {number}"


def grey(level: int) -> VideoFrame:
    return VideoFrame.from_ndarray(np.full((90, 160), level, dtype=np.uint8), format="gray").reformat(format="yuv420p")
