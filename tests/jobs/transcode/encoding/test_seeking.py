"""Where a part begins to read: near its own pictures, wherever these are."""

from dataclasses import replace
from pathlib import Path

from jobs.transcode.encoding.seeking import find_start
from jobs.transcode.planning.plan import plan_transcode
from pipeline.media.probe import ProbeLimits
from pipeline.media.probing import probe_source
from tests.fixtures.media import make_clip
from tests.jobs.transcode.encoding.split_sources import CODED, SMALL
from tests.jobs.transcode.encoding.test_encode_parts import SPEC


def test_a_part_behind_the_last_picture_begins_at_the_last_key_frames(tmp_path: Path):
    """Sound alone goes on; without a look at the pictures' end every part of it would decode all of them."""
    clip = replace(SMALL, options=CODED, audio_channels=1, audio_s=70.0, container="mpegts")
    source = make_clip(tmp_path / "source", clip)
    plan = plan_transcode(SPEC, probe_source(source, source.stat().st_size, ProbeLimits(), at_most=None))
    start = find_start(source, plan, plan.grid.pictures - 1, max_streams=8, max_pixels=10**6)
    assert start is not None
    assert start / 90_000 - plan.video.start_s >= clip.duration_s - 1.1
