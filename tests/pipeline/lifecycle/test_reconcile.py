"""Whatever order news arrives in, however often, a job ends once and right."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lifecycle.job_state import FINAL, JobState, Place
from pipeline.lifecycle.reconcile import (
    EXIT_KILLED,
    Advance,
    Cancelled,
    Decision,
    Fail,
    FailedForGood,
    FailedForNow,
    Finished,
    Ignore,
    JobView,
    News,
    OutcomeAbsent,
    OutcomeLeft,
    RecordReason,
    Refuse,
    Reported,
    SeekOutcome,
    Started,
    Succeed,
    Unknown,
    reconcile,
)
from pipeline.reasons import Reason

HANDLE = "local-1"


def view(attempt: int, state: JobState, **more: object) -> JobView:
    return replace(JobView(Place(attempt, state), HANDLE), **more)  # type: ignore[arg-type]


def reported(attempt: int, state: JobState, *, exit_code: int | None = None, why: str = "") -> Reported:
    return Reported(HANDLE, Place(attempt, state), exit_code, why)


def test_start_moves_a_waiting_job_to_running():
    assert reconcile(view(0, JobState.SUBMITTED), Started(HANDLE, 1)) == Advance(Place(1, JobState.RUNNING))


def test_start_is_answered_even_when_the_executors_report_came_first():
    assert reconcile(view(1, JobState.RUNNING), Started(HANDLE, 1)) == Ignore()


@pytest.mark.parametrize(
    "call",
    [
        Started(HANDLE, 1),
        Finished(HANDLE, 1),
        FailedForGood(HANDLE, 1, Reason.CORRUPT, ""),
        FailedForNow(HANDLE, 1, Reason.TERMINATED, ""),
    ],
)
def test_a_stale_attempt_is_refused_whatever_it_says(call: News):
    assert reconcile(view(2, JobState.RUNNING), call) == Refuse("attempt_is_stale")


@pytest.mark.parametrize(
    "call",
    [
        Started("other", 1),
        Finished("other", 1),
        FailedForGood("other", 1, Reason.CORRUPT, ""),
        FailedForNow("other", 1, Reason.TERMINATED, ""),
    ],
)
def test_a_doubled_worker_with_another_handle_is_refused(call: News):
    assert reconcile(view(1, JobState.RUNNING), call) == Refuse("not_this_jobs_handle")


def test_a_job_that_starts_before_its_handle_was_stored_is_welcome():
    job = JobView(Place(0, JobState.SUBMITTED), None)
    assert reconcile(job, Started("fresh", 1)) == Advance(Place(1, JobState.RUNNING))


@pytest.mark.parametrize("state", sorted(FINAL))
def test_an_ended_job_does_not_start_again(state: JobState):
    assert reconcile(view(1, state), Started(HANDLE, 2)) == Refuse("job_has_ended")


def test_finish_publishes_the_attempt_and_a_repeated_finish_hears_yes():
    assert reconcile(view(1, JobState.RUNNING), Finished(HANDLE, 1)) == Succeed(1)
    assert reconcile(view(1, JobState.SUCCEEDED), Finished(HANDLE, 1)) == Ignore()


def test_a_finish_after_a_cancel_is_refused():
    assert reconcile(view(1, JobState.FAILED), Finished(HANDLE, 1)) == Refuse("job_has_ended")


def test_a_permanent_failure_ends_the_job_and_a_transient_one_only_leaves_its_reason():
    assert reconcile(view(1, JobState.RUNNING), FailedForGood(HANDLE, 1, Reason.NOT_MEDIA, "x")) == Fail(
        1, Reason.NOT_MEDIA, "x"
    )
    assert reconcile(view(1, JobState.RUNNING), FailedForNow(HANDLE, 1, Reason.TERMINATED, "x")) == RecordReason(
        1, Reason.TERMINATED, "x"
    )


@pytest.mark.parametrize("end", sorted(FINAL))
def test_the_executors_end_asks_for_the_outcome_before_anything_is_decided(end: JobState):
    assert reconcile(view(1, JobState.RUNNING), reported(1, end)) == SeekOutcome(1)


def test_a_job_that_ends_while_it_waits_for_its_next_attempt_has_ended():
    """Batch gives up on what waits too long for a machine, and reports the attempts that there were."""
    waiting = view(2, JobState.RUNNABLE, last_reason=Reason.STORAGE_UNAVAILABLE)
    given_up = reported(1, JobState.FAILED, exit_code=75, why="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    assert reconcile(waiting, given_up) == SeekOutcome(2)
    assert reconcile(waiting, OutcomeAbsent(given_up)) == Fail(2, Reason.STORAGE_UNAVAILABLE, "")


def test_an_older_attempts_outcome_ends_a_job_that_is_over_and_no_other():
    assert reconcile(view(3, JobState.RUNNING), OutcomeLeft(1)) == Succeed(1)
    for end in sorted(FINAL):
        assert reconcile(view(3, end), OutcomeLeft(1)) == Ignore()


def test_a_report_about_another_handle_is_not_about_this_job():
    other = Reported("other", Place(1, JobState.FAILED), 1, "")
    assert reconcile(view(1, JobState.RUNNING), other) == Ignore()


def test_a_job_without_an_outcome_fails_with_what_killed_it_or_what_it_said():
    running = view(1, JobState.RUNNING)
    said = view(1, JobState.RUNNING, last_reason=Reason.STORAGE_UNAVAILABLE, last_detail="PUT 503")

    def reason(job: JobView, ended: Reported | Unknown) -> Reason:
        decision = reconcile(job, OutcomeAbsent(ended))
        assert isinstance(decision, Fail)
        return decision.reason

    timed_out = reported(1, JobState.FAILED, exit_code=137, why="Job attempt duration exceeded timeout")
    assert reason(said, timed_out) is Reason.TIMED_OUT
    not_begun = reported(1, JobState.FAILED, why="Task failed to start: DockerTimeoutError: timed out after 4m0s")
    assert reason(running, not_begun) is Reason.JOB_LOST
    assert reason(said, reported(1, JobState.FAILED, exit_code=EXIT_KILLED)) is Reason.WORKER_KILLED
    assert reason(said, reported(1, JobState.FAILED, exit_code=75)) is Reason.STORAGE_UNAVAILABLE
    assert reason(running, reported(1, JobState.FAILED, exit_code=1)) is Reason.JOB_LOST
    assert reason(running, reported(1, JobState.SUCCEEDED, exit_code=0)) is Reason.OUTCOME_MISSING
    assert reason(said, Unknown()) is Reason.JOB_LOST


def test_a_job_that_was_never_submitted_cannot_be_lost():
    assert reconcile(JobView(Place(0, JobState.SUBMITTED), None), Unknown()) == Ignore()


def test_cancel_ends_a_live_job_once():
    assert reconcile(view(1, JobState.RUNNING), Cancelled("kim")) == Fail(1, Reason.CANCELLED, "by kim")
    assert reconcile(view(1, JobState.SUCCEEDED), Cancelled("kim")) == Refuse("job_has_ended")


def act(job: JobView, decision: Decision) -> JobView:
    """What the control plane writes for a decision."""
    match decision:
        case Advance(place=place):
            return replace(job, place=place)
        case Succeed(attempt=attempt):
            return replace(job, place=Place(attempt, JobState.SUCCEEDED))
        case Fail(attempt=attempt):
            return replace(job, place=Place(attempt, JobState.FAILED))
        case RecordReason(reason=reason, detail=detail):
            return replace(job, last_reason=reason, last_detail=detail)
        case Ignore() | Refuse() | SeekOutcome():
            return job


def hear(job: JobView, news: News, *, outcomes: frozenset[int]) -> JobView:
    """Take one piece of news in, looking for outcome objects where reconcile asks for it."""
    decision = reconcile(job, news)
    if isinstance(decision, SeekOutcome):
        assert isinstance(news, Reported | Unknown)
        found: News = Finished(HANDLE, decision.attempt) if decision.attempt in outcomes else OutcomeAbsent(news)
        decision = reconcile(job, found)
    return act(job, decision)


SECOND_ATTEMPT_WINS: tuple[News, ...] = (
    reported(1, JobState.STARTING),
    Started(HANDLE, 1),
    FailedForNow(HANDLE, 1, Reason.TERMINATED, ""),
    reported(2, JobState.RUNNABLE),
    Started(HANDLE, 2),
    Finished(HANDLE, 2),
    reported(2, JobState.SUCCEEDED, exit_code=0),
)


@pytest.mark.parametrize("last_heard", range(7))
def test_seven_events_in_every_order_end_ready(last_heard: int):
    first = SECOND_ATTEMPT_WINS[last_heard]
    others = [news for news in SECOND_ATTEMPT_WINS if news is not first]
    for order in permutations(others):
        job = JobView(Place(0, JobState.SUBMITTED), HANDLE)
        for news in (*order, first, *order):
            job = hear(job, news, outcomes=frozenset({2}))
        assert job.place == Place(2, JobState.SUCCEEDED), order


GIVEN_UP_WHILE_WAITING: tuple[News, ...] = (
    reported(1, JobState.RUNNABLE),
    reported(1, JobState.STARTING),
    Started(HANDLE, 1),
    FailedForNow(HANDLE, 1, Reason.TERMINATED, ""),
    reported(1, JobState.RUNNING),
    reported(2, JobState.RUNNABLE, exit_code=75),
    reported(1, JobState.FAILED, exit_code=75, why="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"),
)


def test_seven_events_of_a_job_that_never_got_its_second_machine_end_failed_in_every_order():
    for order in permutations(GIVEN_UP_WHILE_WAITING):
        job = JobView(Place(0, JobState.SUBMITTED), HANDLE)
        for news in (*order, *order):
            job = hear(job, news, outcomes=frozenset())
        assert job.place.state is JobState.FAILED, order


NEWS = st.one_of(
    st.builds(
        reported,
        st.integers(1, 3),
        st.sampled_from(JobState),
        exit_code=st.sampled_from([None, 0, 1, 65, 75, 137]),
        why=st.sampled_from(["", "Host EC2 gone", "timeout"]),
    ),
    st.builds(Unknown),
    st.builds(Started, st.sampled_from([HANDLE, "other"]), st.integers(1, 3)),
    st.builds(Finished, st.sampled_from([HANDLE, "other"]), st.integers(1, 3)),
    st.builds(
        FailedForGood, st.sampled_from([HANDLE, "other"]), st.integers(1, 3), st.sampled_from(Reason), st.just("")
    ),
    st.builds(
        FailedForNow, st.sampled_from([HANDLE, "other"]), st.integers(1, 3), st.sampled_from(Reason), st.just("")
    ),
    st.builds(Cancelled, st.just("kim")),
)


@given(st.lists(NEWS, max_size=20), st.frozensets(st.integers(1, 3)))
def test_in_any_order_with_duplicates_a_job_never_moves_back_and_ends_at_most_once(
    news: list[News], outcomes: frozenset[int]
):
    job = JobView(Place(0, JobState.SUBMITTED), HANDLE)
    for item in news:
        after = hear(job, item, outcomes=outcomes)
        if job.place.state in FINAL:
            assert after.place == job.place
        else:
            assert after.place == job.place or job.place.is_before(after.place)
        job = after


@given(st.lists(NEWS, max_size=20), st.frozensets(st.integers(1, 3)))
def test_hearing_everything_twice_changes_nothing(news: list[News], outcomes: frozenset[int]):
    once = twice = JobView(Place(0, JobState.SUBMITTED), HANDLE)
    for item in news:
        once = hear(once, item, outcomes=outcomes)
        twice = hear(hear(twice, item, outcomes=outcomes), item, outcomes=outcomes)
    assert once == twice


@pytest.mark.parametrize("end", sorted(FINAL))
def test_the_executors_late_end_of_an_ended_job_needs_no_look_at_the_store(end: JobState):
    assert reconcile(view(1, end), reported(1, JobState.FAILED, exit_code=1)) == Ignore()


def test_a_job_that_ended_while_its_outcome_was_looked_for_stays_as_it_ended():
    assert reconcile(view(1, JobState.SUCCEEDED), OutcomeAbsent(Unknown())) == Ignore()


@pytest.mark.parametrize(
    "call", [FailedForGood(HANDLE, 1, Reason.CORRUPT, ""), FailedForNow(HANDLE, 1, Reason.TERMINATED, "")]
)
def test_a_repeated_fail_of_the_attempt_that_failed_hears_yes(call: News):
    assert reconcile(view(1, JobState.FAILED), call) == Ignore()
