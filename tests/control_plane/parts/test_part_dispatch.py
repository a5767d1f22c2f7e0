"""A long video is an array and a job that waits for it: neither is submitted twice, none is forgotten."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest

from control_plane.dispatch.dispatcher import TRIES_WITHIN_LAG
from pipeline.errors import Unavailable
from pipeline.execution.executor import AwaitedUnknown, Submission
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.parts.child import PARTS, Child, video_of
from tests.control_plane.plane import Plane


def test_an_array_is_submitted_and_then_the_job_that_waits_for_it(plane: Plane, long: UUID):
    for _ in range(2):
        plane.turn("dispatcher")
    array, job = plane.executor.submitted
    assert (array.name, array.array_size, array.after) == (f"{long}-parts", PARTS, None)
    assert (job.name, job.array_size, job.after) == (str(long), None, f"handle-{long}-parts")
    assert array.environment["JOB_TOKEN"] != job.environment["JOB_TOKEN"]
    row = plane.job(long)
    assert (row.handle, row.array_handle) == (f"handle-{long}", f"handle-{long}-parts")


def test_a_video_that_is_not_long_is_one_job(plane: Plane):
    plane.probe.duration_s = 300.0
    _, job_id = plane.uploaded()
    plane.turn("dispatcher")
    (submission,) = plane.executor.submitted
    assert (plane.job(job_id).parts, submission.array_size, submission.after) == (None, None, None)


def test_an_array_that_a_dead_dispatcher_had_submitted_is_found_and_the_job_follows(plane: Plane, long: UUID):
    plane.executor.tell(f"handle-{long}-parts", JobState.PENDING, attempt=1)
    plane.turn("dispatcher")
    (job,) = plane.executor.submitted
    assert (job.name, job.after) == (str(long), f"handle-{long}-parts")


def test_an_executor_that_is_away_between_array_and_job_is_asked_again_and_has_one_array(
    plane: Plane, long: UUID, monkeypatch: pytest.MonkeyPatch
):
    submit = plane.executor.submit

    def away_for_the_job(submission: Any) -> str:
        if submission.array_size is None:
            raise Unavailable("executor_unavailable", "away")
        return submit(submission)

    plane.executor.submit = away_for_the_job  # type: ignore[method-assign]
    plane.turn("dispatcher")
    del plane.executor.submit
    assert plane.job(long).handle is None
    plane.fetch("UPDATE jobs SET dispatch_after = now() RETURNING 1")
    # Nor is it looked for again: the executor's lists lag.
    monkeypatch.setattr(plane.executor, "find", lambda _name: None)
    plane.turn("dispatcher")
    assert [submission.array_size for submission in plane.executor.submitted] == [PARTS, None]


def test_a_job_waits_for_the_array_whose_children_are_heard_and_no_other(
    plane: Plane, long: UUID, monkeypatch: pytest.MonkeyPatch
):
    """Of two arrays, the one whose submit was not heard of has begun, and the newer one is what a look finds."""
    begun = Child(plane, long, 0).call("start", 1, handle="handle-orphan:0")
    assert begun.status_code == HTTPStatus.OK
    monkeypatch.setattr(plane.executor, "find", lambda name: f"handle-{name}" if name.endswith("-parts") else None)
    plane.turn("dispatcher")
    (job,) = plane.executor.submitted
    assert (job.after, plane.job(long).array_handle) == ("handle-orphan", "handle-orphan")


def forget_the_array(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control plane was away for days between the array's submit and the join's, and Batch has forgotten it."""
    submit = plane.executor.submit

    def without_it(submission: Submission) -> str:
        if submission.after is not None:
            raise AwaitedUnknown("SUBMIT_REFUSED", f"waits for {submission.after}: unknown")
        return submit(submission)

    monkeypatch.setattr(plane.executor, "submit", without_it)


def test_a_job_whose_array_was_forgotten_before_its_submit_joins_what_there_is(
    plane: Plane, long: UUID, monkeypatch: pytest.MonkeyPatch
):
    forget_the_array(plane, monkeypatch)
    plane.turn("dispatcher")
    for part in range(PARTS):
        Child(plane, long, part).make()
    for tries in range(1, TRIES_WITHIN_LAG + 1):
        assert (plane.job(long).handle, plane.job(long).dispatch_tries) == (None, tries), "it may only lag"
        plane.fetch("UPDATE jobs SET dispatch_after = now() RETURNING 1")
        plane.turn("dispatcher")
    (_, join) = plane.executor.submitted
    assert (join.name, join.after, join.array_size) == (str(long), None, None)
    assert plane.job(long).handle == f"handle-{long}"
    plane.turn("sweep")
    assert plane.job(long).is_live


def test_a_job_whose_array_was_forgotten_with_a_part_missing_says_which(
    plane: Plane, long: UUID, monkeypatch: pytest.MonkeyPatch
):
    forget_the_array(plane, monkeypatch)
    plane.turn("dispatcher")
    Child(plane, long, 0).make()
    Child(plane, long, 2).make()
    plane.fetch("UPDATE jobs SET dispatch_after = now(), dispatch_tries = 9 RETURNING 1")
    plane.turn("dispatcher")
    assert video_of(plane, long) == ("FAILED", "JOB_LOST")
    assert plane.job(long).detail == "part 1: the executor does not know its array"


def test_a_cancel_ends_array_and_job_also_where_nobody_wrote_their_handles_down(plane: Plane, long: UUID):
    for handle in (f"handle-{long}-parts", f"handle-{long}"):
        plane.executor.tell(handle, JobState.PENDING, attempt=1)
    plane.call("POST", f"/jobs/{long}/cancel")
    plane.turn("terminations")
    assert [handle for handle, _ in plane.executor.cancelled] == [f"handle-{long}", f"handle-{long}-parts"]


def test_another_job_for_a_long_video_has_parts_again(plane: Plane, children: list[Child]):
    child = children[0]
    child.call("start", 1)
    child.call("fail", 1)
    video_id = plane.job(child.job_id).asset_id
    retried = UUID(plane.call("POST", f"/media/videos/{video_id}/retry").json()["job_id"])
    plane.call("POST", f"/jobs/{retried}/cancel")
    repeated = UUID(plane.call("POST", f"/jobs/{retried}/resubmit").json()["id"])
    assert [plane.job(job_id).parts for job_id in (retried, repeated)] == [PARTS, PARTS]
