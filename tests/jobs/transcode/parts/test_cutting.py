"""How a plan is cut into parts, and when parts are refused. Pure."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.transcode.encoding.encode import CoverageFacts, EncodeReport, SegmentFact, TrackFacts
from jobs.transcode.parts.cutting import cut, whole
from jobs.transcode.parts.joining import PartsDiffer, check_parts, check_whole, join
from jobs.transcode.planning.plan import Plan, plan_transcode
from pipeline.contracts.transcode import Source, TranscodeSpec
from tests.jobs.transcode.planning.test_plan import facts, video

RATES = [Fraction(25), Fraction(30000, 1001), Fraction(25, 2), Fraction(60), Fraction(1), Fraction(24000, 1001)]


def plan_of(*, seconds: float, segment_s: int = 4, rate: Fraction = Fraction(25), sound: bool = True) -> Plan:
    seen = video(duration_s=seconds).model_copy(update={"rate_num": rate.numerator, "rate_den": rate.denominator})
    source = Source(url="file:///x", etag=None, size_bytes=1, filename="x")
    spec = TranscodeSpec(video_id="v", source=source, segment_s=segment_s)
    return plan_transcode(spec, facts(seen, sound=(0.0, seconds) if sound else None))


@settings(deadline=None)
@given(st.sampled_from(RATES), st.floats(0.5, 300), st.integers(1, 10), st.integers(1, 70))
def test_parts_tile_the_segments_in_their_order(rate: Fraction, seconds: float, segment_s: int, count: int):
    plan = plan_of(seconds=seconds, segment_s=segment_s, rate=rate)
    parts = cut(plan, count)
    assert 1 <= len(parts) <= count
    assert [number for part in parts for number in part.segments] == list(whole(plan).segments)
    assert [number for part in parts for number in part.pictures(plan.grid)] == list(range(plan.grid.pictures))


@settings(deadline=None)
@given(st.sampled_from(RATES), st.integers(1, 10), st.integers(2, 20))
def test_an_even_number_of_key_frames_comes_before_every_part(rate: Fraction, segment_s: int, count: int):
    """Two IDR pictures in a row must have different numbers, and encoders give them 0 and 1 in turn."""
    plan = plan_of(seconds=300, segment_s=segment_s, rate=rate)
    for part in cut(plan, count):
        first = part.pictures(plan.grid).start
        assert sum(key < first for key in plan.grid.key_pictures()) % 2 == 0


def test_a_lecture_of_three_hours_has_sixty_parts_of_three_minutes():
    plan = plan_of(seconds=3 * 3600)
    assert {len(part.segments) for part in cut(plan, 60)} == {45}


def test_sound_belongs_to_the_whole_and_to_no_part_of_the_pictures():
    plan = plan_of(seconds=100)
    assert cut(plan, 1) == (whole(plan),)
    assert whole(plan).has_sound
    assert not any(part.has_sound for part in cut(plan, 3))
    assert not whole(plan_of(seconds=100, sound=False)).has_sound


def report(
    first_segment: int, *, encoder: str = "libx264", preset: str = "fast", init: str = "a", broken: int = 0
) -> EncodeReport:
    """Of two segments."""
    track = TrackFacts(
        folder="v1", timescale=12800, codecs="avc1.64001e", init_bytes=7, init_sha256=init,
        first_segment=first_segment, segments=(SegmentFact(units=100 + first_segment, bytes=5),) * 2,
    )  # fmt: skip
    return EncodeReport(
        encoder=encoder, presets=(preset,), decoder="h264", device_notes=("a note",),
        coverage=CoverageFacts(pictures=50, broken=broken, ends_s=float(first_segment + 2)),
        renditions=(track,), audio=None,
    )  # fmt: skip


def test_joined_parts_tell_what_the_whole_would_have_told():
    joined = join([report(0, broken=1), report(2, broken=2)], None)
    assert [segment.units for segment in joined.renditions[0].segments] == [100, 100, 102, 102]
    assert joined.coverage == CoverageFacts(pictures=100, broken=3, ends_s=4.0)
    assert (joined.encoder, joined.decoder, joined.device_notes) == ("libx264", "h264", ("a note",))


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (report(4), "goes on with segment 4 where 2 is due"),
        (report(2, init="b"), "another init segment from segment 2 on"),
        (report(2, encoder="h264_nvenc"), "encoded with h264_nvenc"),
        (report(2, preset="slow"), r"encoded with libx264 \('slow',\) behind libx264 \('fast',\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused(second: EncodeReport, words: str):
    with pytest.raises(PartsDiffer, match=words):
        join([report(0), second], None)


WHOLE = plan_of(seconds=100)


def made_of(plan: Plan) -> EncodeReport:
    """What one process tells of all of a plan, in two segments of which it matters only what they add up to."""
    due = len(plan.grid.starts())
    grids = {rung.folder: plan.grid_of(rung) for rung in plan.rungs}
    tracks = [
        track_of(folder, due, units=grid.pictures * grid.picture_units, timescale=grid.timescale)
        for folder, grid in grids.items()
    ]
    sound = track_of("audio", due, units=plan.grid.audio_packets * 1024, timescale=48_000)
    return report(0).model_copy(
        update={"renditions": tuple(tracks), "audio": sound, "presets": ("fast",) * len(tracks)}
    )


def track_of(folder: str, segments: int, *, units: int, timescale: int) -> TrackFacts:
    last = SegmentFact(units=units - (segments - 1), bytes=5)
    facts = (SegmentFact(units=1, bytes=5),) * (segments - 1)
    template = report(0).renditions[0]
    return template.model_copy(update={"folder": folder, "timescale": timescale, "segments": (*facts, last)})


def changed(whole: EncodeReport, track: int, **changes: object) -> EncodeReport:
    renditions = list(whole.renditions)
    renditions[track] = renditions[track].model_copy(update=changes)
    return whole.model_copy(update={"renditions": tuple(renditions)})


def test_what_one_process_makes_is_whole():
    made = made_of(WHOLE)
    assert made.audio is not None
    check_parts(WHOLE, [made], [made.audio])
    check_whole(WHOLE, made)


@pytest.mark.parametrize("track", [0, -1])
def test_a_track_that_is_not_as_long_as_planned_is_refused(track: int):
    made = made_of(WHOLE)
    segments = made.renditions[track].segments
    last = segments[-1]
    for wrong in (segments[:-1], (*segments[:-1], last._replace(units=last.units - 1))):
        with pytest.raises(PartsDiffer, match="planned are all of 25"):
            check_whole(WHOLE, changed(made, track, segments=wrong))
    assert made.audio is not None
    short = made.audio.model_copy(update={"segments": made.audio.segments[1:]})
    with pytest.raises(PartsDiffer, match="audio has 24 segments"):
        check_whole(WHOLE, made.model_copy(update={"audio": short}))


def test_tracks_that_are_not_the_plans_are_refused():
    made = made_of(WHOLE)
    sound = made.audio
    assert sound is not None
    strangers: list[tuple[list[EncodeReport], list[TrackFacts], str]] = [
        ([], [sound], "no part has pictures"),
        # It would take the place of the sound's files.
        ([made, changed(made, 0, folder="audio")], [sound], "a part has the renditions"),
        ([made, made.model_copy(update={"renditions": made.renditions[1:]})], [sound], "a part has the renditions"),
        ([made, made.model_copy(update={"presets": ()})], [sound], "a part has the renditions"),
        ([made], [], "and their sound"),
        ([made], [sound, sound], "and their sound"),
        ([made], [sound.model_copy(update={"folder": "v1"})], "and their sound"),
    ]
    for parts, sounds, words in strangers:
        with pytest.raises(PartsDiffer, match=words):
            check_parts(WHOLE, parts, sounds)
    with pytest.raises(PartsDiffer, match="and their sound"):
        check_parts(plan_of(seconds=100, sound=False), [made], [sound])
