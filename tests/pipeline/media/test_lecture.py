"""The lecture of our own and what this machine can do, both as other programs ask for them."""

from pathlib import Path

from pipeline.media.capabilities import CapabilitiesRequest, find_capabilities
from pipeline.media.lecture import make_lecture
from pipeline.media.probe import ProbeLimits, probe_file
from tests.fixtures.media import read_pictures


def test_the_lecture_is_a_video_with_sound_that_changes(tmp_path: Path):
    path = tmp_path / "lecture.mp4"
    make_lecture(path, seconds=6)
    facts = probe_file(path, ProbeLimits())
    assert (facts.video.display_width, facts.video.display_height, float(facts.video.rate)) == (1280, 720, 30.0)
    assert abs(facts.duration_s - 6) < 0.05
    assert facts.audio is not None
    assert abs(facts.audio.duration_s - 6) < 0.05
    frames = read_pictures(path.read_bytes())
    assert len(frames) == 180
    bars = [frames[number].to_ndarray(format="rgb24")[20, 20].tolist() for number in (0, 170)]
    assert bars[0] != bars[1], "another slide, another colour"


def test_an_encoder_counts_only_when_it_encodes():
    found = find_capabilities(CapabilitiesRequest(video=("libx264", "no_such_encoder"), audio=("aac",)))
    checks = {check.name: check for check in found.encoders}
    assert checks["libx264"].works
    assert checks["aac"].works
    assert checks["no_such_encoder"].problem
    assert found.libraries["libavcodec"].count(".") == 2
