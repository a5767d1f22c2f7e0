"""Samples of a source: as many as it takes to be sure of what a plan makes of them, and not more."""

from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from jobs.transcode.planning import difficulty_child as sampling
from jobs.transcode.planning.difficulty import Difficulty, SampleRequest
from jobs.transcode.planning.ladder import STILL_BELOW_BPP, Content, judge_content
from pipeline.media.probe import ProbeLimits
from pipeline.media.probing import probe_source
from tests.fixtures.media import Clip, make_clip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = Clip(pictures=250, options=(("preset", "ultrafast"), ("g", "25")))
    return make_clip(tmp_path_factory.mktemp("samples") / "source.mp4", clip)


def measure(source: Path, monkeypatch: pytest.MonkeyPatch, motion: Sequence[float], *sides: int) -> Difficulty:
    """With these bits a pixel for one sample after the other."""
    video = probe_source(source, source.stat().st_size, ProbeLimits(), at_most=None).video
    values = iter(motion)

    def next_bpp(_frames: Sequence[VideoFrame]) -> float:
        return next(values)

    monkeypatch.setattr(sampling, "_motion_bpp", next_bpp)
    request = SampleRequest(source=str(source), video=video, sides=sides, max_pixels=10**6, max_streams=8)
    answer = sampling.sample_source(request.model_dump_json().encode(), lambda _share: None)
    return Difficulty.model_validate(answer)


# What all five samples together must reach to be called moving.
ENOUGH_BPP = 5 * STILL_BELOW_BPP


@pytest.mark.parametrize(
    ("motion", "taken"),
    [
        ((ENOUGH_BPP,), 1),
        ((ENOUGH_BPP / 2,) * 2, 2),
        ((ENOUGH_BPP * 0.9, 0, 0, 0, 0), 5),
        ((0, 0, 0, 0, ENOUGH_BPP), 5),
    ],
)
def test_samples_end_when_those_that_are_left_could_not_make_the_content_still(
    source: Path, monkeypatch: pytest.MonkeyPatch, motion: tuple[float, ...], taken: int
):
    measured = measure(source, monkeypatch, motion)
    assert measured.samples == taken
    of_all = (sum(motion) / 5) >= STILL_BELOW_BPP
    assert (judge_content(measured) is Content.MOVING) == of_all


def test_a_rung_that_looks_like_the_source_so_far_is_looked_at_in_every_sample(
    source: Path, monkeypatch: pytest.MonkeyPatch
):
    # At its own size every picture is the source.
    assert measure(source, monkeypatch, (1.0,), 180).samples == 5
    assert measure(source, monkeypatch, (1.0,), 16).samples == 1


def test_a_picture_alone_is_decoded_without_those_around_it(tmp_path: Path):
    clip = make_clip(tmp_path / "clip.mp4", Clip(options=(("preset", "medium"), ("bf", "3"), ("g", "25"))))
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        packets = [packet.pts for packet in container.demux(video)]
        (frame,) = sampling._picture(container, video, at_s=1.1)
        # The second group of 25; nothing behind its first packet has been asked for.
        assert frame.pts == packets[25]
        assert next(container.demux(video)).pts == packets[26]
        assert len(sampling._pictures(container, video, at_s=0)) == sampling.SAMPLE_PICTURES
