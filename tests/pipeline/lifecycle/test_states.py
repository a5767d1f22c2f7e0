"""A job's place only moves forward, and a video moves only along its table."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lifecycle.job_state import FINAL, LIVE, JobState, Place
from pipeline.lifecycle.video_state import MOVES, VideoStatus, may_move, sources_of

PLACES = st.builds(Place, attempt=st.integers(0, 4), state=st.sampled_from(JobState))

ALLOWED_VIDEO_MOVES = {
    ("PENDING", "UPLOADED"),
    ("UPLOADED", "PROCESSING"),
    ("UPLOADED", "READY"),
    ("UPLOADED", "FAILED"),
    ("PROCESSING", "READY"),
    ("PROCESSING", "FAILED"),
    ("READY", "READY"),
    ("FAILED", "UPLOADED"),
}


@pytest.mark.parametrize(("before", "after"), list(product(VideoStatus, VideoStatus)))
def test_a_video_makes_exactly_the_moves_of_the_design(before: VideoStatus, after: VideoStatus):
    assert may_move(before, after) == ((before, after) in ALLOWED_VIDEO_MOVES)
    assert (before in sources_of(after)) == may_move(before, after)


def test_the_table_names_every_status():
    assert set(MOVES) == set(VideoStatus)


@pytest.mark.parametrize(("before", "after"), list(product(JobState, JobState)))
def test_within_an_attempt_a_job_moves_only_to_later_states(before: JobState, after: JobState):
    order = list(JobState)
    expected = before in LIVE and (after in FINAL or order.index(before) < order.index(after))
    assert Place(1, before).is_before(Place(1, after)) == expected


@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_new_attempt_is_later_than_any_live_state_of_the_old_one(state: JobState):
    assert Place(1, state).is_before(Place(2, JobState.RUNNABLE))
    assert not Place(2, JobState.RUNNABLE).is_before(Place(1, state))


@given(PLACES, PLACES)
def test_no_two_places_are_before_each_other(one: Place, other: Place):
    assert not (one.is_before(other) and other.is_before(one))


@given(PLACES)
def test_no_place_is_before_itself(place: Place):
    assert not place.is_before(place)


@given(st.lists(PLACES, max_size=12))
def test_a_job_that_follows_any_news_never_visits_a_place_twice(news: list[Place]):
    place = Place(0, JobState.SUBMITTED)
    visited = [place]
    for heard in news:
        if place.is_before(heard):
            place = heard
            visited.append(place)
    assert len(set(visited)) == len(visited)
