"""Which renditions a source gets, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.transcode.planning.difficulty import UNMEASURED, Detail, Difficulty
from jobs.transcode.planning.ladder import Content, judge_content, plan_ladder, sides_to_judge
from pipeline.contracts.transcode import DEFAULT_LADDER, RungSpec
from tests.jobs.transcode.planning.test_plan import video

WISHED = (
    RungSpec(name="a", short_side_px=240, video_bps=400_000),
    RungSpec(name="b", short_side_px=720, video_bps=1_000_000),
)


def sizes(width: int, height: int, wished: tuple[RungSpec, ...] | None = None) -> list[tuple[int, int]]:
    return [(rung.width, rung.height) for rung in plan_ladder(wished, video(width, height))[0]]


@pytest.mark.parametrize(
    ("source", "renditions"),
    [
        ((1920, 1080), [(426, 240), (640, 360), (854, 480), (1280, 720), (1920, 1080)]),
        ((3840, 2160), [(426, 240), (640, 360), (854, 480), (1280, 720), (1920, 1080)]),
        ((1280, 720), [(426, 240), (640, 360), (854, 480), (1280, 720)]),
        ((1080, 1920), [(240, 426), (360, 640), (480, 854), (720, 1280), (1080, 1920)]),
        ((1024, 768), [(320, 240), (480, 360), (640, 480), (960, 720)]),
        ((1600, 900), [(426, 240), (640, 360), (854, 480), (1280, 720), (1600, 900)]),
        ((768, 432), [(426, 240), (640, 360), (768, 432)]),
        ((3840, 1600), [(576, 240), (864, 360), (1152, 480), (1728, 720), (2592, 1080)]),
        ((321, 241), [(320, 240)]),
        ((320, 180), [(320, 180)]),
        ((161, 121), [(160, 120)]),
    ],
)
def test_the_rungs_are_what_the_source_has(source: tuple[int, int], renditions: list[tuple[int, int]]):
    assert sizes(*source) == renditions


def test_a_wished_ladder_is_taken_as_it_is():
    """Whatever was measured: the one who asks for rungs knows why."""
    alike = Difficulty(samples=1, motion_bpp=0.01, details=(Detail(side_px=240, psnr_db=60.0),))
    rungs, considered = plan_ladder(WISHED, video(1920, 1080, rate=50), alike)
    assert [(rung.name, rung.width, rung.rate_divisor) for rung in rungs] == [("a", 426, 1), ("b", 1280, 1)]
    assert [(rung.kept, rung.reason) for rung in considered] == [(True, "asked for")] * 2
    assert sides_to_judge(WISHED, video()) == ()


def test_a_rung_that_adds_nothing_visible_is_dropped_with_its_reason():
    """A recording of 480 lines that was scaled up to 1080."""
    details = ((240, 33.0), (360, 40.0), (480, 47.0), (720, 55.0))
    blurred = Difficulty(
        samples=5, motion_bpp=0.2, details=tuple(Detail(side_px=side, psnr_db=lost) for side, lost in details)
    )
    rungs, considered = plan_ladder(None, video(), blurred)
    assert [rung.name for rung in rungs] == ["240p", "360p", "480p"]
    assert [(rung.name, rung.kept) for rung in considered][3:] == [("720p", False), ("1080p", False)]
    assert considered[4].reason == "dropped: 480p looks like the source already (47.0 dB)"


def test_small_rungs_get_half_of_a_high_rate():
    at_50 = plan_ladder(None, video(rate=50))[0]
    assert [(rung.name, rung.rate_divisor) for rung in at_50] == [
        ("240p", 2), ("360p", 2), ("480p", 2), ("720p", 1), ("1080p", 1),
    ]  # fmt: skip
    assert {rung.rate_divisor for rung in plan_ladder(None, video(rate=30))[0]} == {1}


def test_the_largest_rung_keeps_the_rate_however_small_it_is():
    assert [rung.rate_divisor for rung in plan_ladder(None, video(640, 360, rate=50))[0]] == [2, 1]
    alike = Difficulty(samples=1, motion_bpp=0.2, details=(Detail(side_px=480, psnr_db=50.0),))
    assert [rung.rate_divisor for rung in plan_ladder(None, video(rate=50), alike)[0]] == [2, 2, 1]


@pytest.mark.parametrize(
    ("motion_bpp", "content"), [(0.03, Content.STILL), (0.06, Content.MOVING), (0.3, Content.MOVING)]
)
def test_slides_are_told_from_motion(motion_bpp: float, content: Content):
    measured = Difficulty(samples=5, motion_bpp=motion_bpp, details=())
    assert judge_content(measured) is content
    assert {rung.content for rung in plan_ladder(None, video(), measured)[0]} == {content}


def test_what_could_not_be_sampled_counts_as_moving():
    assert judge_content(UNMEASURED) is Content.MOVING


@given(st.integers(16, 8192), st.integers(16, 8192), st.sampled_from([None, DEFAULT_LADDER, WISHED]))
def test_no_rendition_is_larger_than_its_source_or_of_another_shape(
    width: int, height: int, wished: tuple[RungSpec, ...] | None
):
    rungs, _ = plan_ladder(wished, video(width, height))
    assert rungs
    assert [rung.folder for rung in rungs] == [f"v{n}" for n in range(1, len(rungs) + 1)]
    assert len({rung.name for rung in rungs}) == len(rungs)
    for rung in rungs:
        assert rung.width % 2 == rung.height % 2 == 0
        assert rung.width <= width
        assert rung.height <= height
        # Two pixels of rounding on each side.
        assert abs(rung.width * height - rung.height * width) <= 2 * (width + height)
    areas = [rung.width * rung.height for rung in rungs]
    assert areas == sorted(set(areas))
    caps = [rung.video_bps for rung in rungs]
    assert caps == sorted(caps)
