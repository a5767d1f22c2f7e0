"""A part that cannot be made ends the job with that part's reason, however it comes to be known."""

from collections.abc import Callable, Sequence

import pytest

from control_plane.reconciling.parts import CHILDREN_ASKED
from pipeline.execution.executor import JobReport
from pipeline.execution.exit_codes import EXIT_TRANSIENT
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.parts.child import Child, video_of
from tests.control_plane.plane import Plane, Worker


def test_a_part_that_cannot_be_made_ends_all_at_once_with_its_reason(plane: Plane, children: list[Child]):
    children[0].call("start", 1)
    children[1].call("start", 1)
    replies = [children[1].call("fail", 1, detail="broken") for _ in range(2)]
    assert replies[0].json() == {"state": "failed"}
    job = plane.job(children[1].job_id)
    assert (job.reason, job.detail) == ("CORRUPT", "part 1: broken")
    assert video_of(plane, job.id) == ("FAILED", "CORRUPT")
    assert "terminations" in plane.background.woken
    plane.turn("terminations")
    assert [handle for handle, _ in plane.executor.cancelled] == [f"handle-{job.id}", children[0].array]
    assert plane.fetch("SELECT part, ending FROM job_parts ORDER BY part") == [(0, "retry"), (1, "failed")]


def test_a_part_that_asks_to_be_tried_again_ends_nothing(plane: Plane, children: list[Child]):
    child = children[0]
    child.call("start", 1)
    reply = child.call("fail", 1, reason="STORAGE_UNAVAILABLE", permanent=False)
    assert reply.json() == {"state": "submitted"}
    child.make(2)
    assert video_of(plane, child.job_id) == ("PROCESSING", None)


def by_the_sweep(plane: Plane, child: Child) -> None:
    plane.executor.tell(child.array, JobState.PENDING, attempt=1, children={JobState.FAILED: 1})
    plane.turn("sweep")


def by_the_jobs_end(plane: Plane, child: Child) -> None:
    """Nothing was heard of the array before the job that waited for it was given up."""
    plane.executor.tell(child.array, JobState.FAILED, attempt=1, children={JobState.FAILED: 1})
    plane.executor.tell(f"handle-{child.job_id}", JobState.FAILED, attempt=1, why="Dependent Job failed")
    plane.turn("sweep")


def by_the_jobs_end_while_lists_lag(plane: Plane, child: Child) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plane.executor, "list_children", lambda _handle, _state, limit: [])
        by_the_jobs_end(plane, child)


@pytest.mark.parametrize("found", [by_the_sweep, by_the_jobs_end, by_the_jobs_end_while_lists_lag])
@pytest.mark.parametrize("end", [("STORAGE_UNAVAILABLE", 75), ("WORKER_KILLED", 137), ("JOB_LOST", 1)])
def test_a_part_without_attempts_left_ends_the_job_with_its_own_reason(
    plane: Plane,
    children: list[Child],
    found: Callable[[Plane, Child], None],
    end: tuple[str, int],
):
    reason, code = end
    child = children[1]
    child.call("start", 3)
    if code == EXIT_TRANSIENT:
        child.call("fail", 3, reason=reason, permanent=False)
    child.ends(JobState.FAILED, 75, 75, code)
    found(plane, child)
    assert video_of(plane, child.job_id) == ("FAILED", reason)


def forget_array(plane: Plane, child: Child) -> None:
    """As AWS Batch does some time after its end; the job that waits for it was submitted long ago too."""
    for handle in [h for h in plane.executor.reports if h.startswith(child.array)]:
        del plane.executor.reports[handle]
    plane.fetch("UPDATE jobs SET submitted_at = now() - interval '2 days' RETURNING 1")


def test_an_array_that_the_executor_has_lost_is_not_waited_for(plane: Plane, children: list[Child]):
    del plane.executor.reports[children[0].array]
    plane.turn("sweep")
    assert video_of(plane, children[0].job_id)[0] == "UPLOADED", "it may only not be described yet"
    forget_array(plane, children[0])
    plane.turn("sweep")
    assert video_of(plane, children[0].job_id) == ("FAILED", "JOB_LOST")


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.RUNNABLE])
def test_a_join_of_whole_parts_goes_on_when_their_array_is_forgotten(
    plane: Plane, children: list[Child], state: JobState
):
    child = children[1]
    for other in (children[0], children[2]):
        other.make()
    # Nobody heard its `finish`: the outcome object says that it is whole.
    child.call("start", 1)
    child.store(1)
    forget_array(plane, child)
    plane.executor.tell(f"handle-{child.job_id}", state, attempt=1)
    plane.turn("sweep")
    assert (plane.job(child.job_id).state, video_of(plane, child.job_id)) == (state, ("PROCESSING", None))
    Worker(plane, child.job_id).publish(1)
    assert video_of(plane, child.job_id) == ("READY", None)


def still_waits(plane: Plane, join: str) -> None:
    plane.executor.tell(join, JobState.PENDING, attempt=1)


def was_given_up(plane: Plane, join: str) -> None:
    plane.executor.tell(join, JobState.FAILED, attempt=1, why="Dependent Job failed")


def is_forgotten_too(plane: Plane, join: str) -> None:
    del plane.executor.reports[join]


@pytest.mark.parametrize("join", [still_waits, was_given_up, is_forgotten_too])
def test_a_part_that_was_not_made_gives_the_reason_when_its_array_is_forgotten(
    plane: Plane, children: list[Child], join: Callable[[Plane, str], None]
):
    child = children[1]
    children[0].make()
    children[2].call("start", 1)
    child.call("start", 3)
    child.call("fail", 3, reason="STORAGE_UNAVAILABLE", permanent=False, detail="503")
    forget_array(plane, child)
    join(plane, f"handle-{child.job_id}")
    plane.turn("sweep")
    assert video_of(plane, child.job_id) == ("FAILED", "STORAGE_UNAVAILABLE")
    assert plane.job(child.job_id).detail == "part 1: 503"


def test_what_an_array_of_thousands_is_asked_has_a_bound(
    plane: Plane, children: list[Child], monkeypatch: pytest.MonkeyPatch
):
    child = Child(plane, children[0].job_id, part=3000)
    plane.fetch("UPDATE jobs SET parts = 4000 WHERE id = %s RETURNING 1", child.job_id)
    child.call("start", 2)
    child.ends(JobState.FAILED, 75, 137)
    described: list[int] = []
    describe = plane.executor.describe

    def counting(handles: Sequence[str]) -> dict[str, JobReport]:
        described.append(len(handles))
        return describe(handles)

    monkeypatch.setattr(plane.executor, "describe", counting)
    by_the_jobs_end_while_lists_lag(plane, child)
    assert max(described) == CHILDREN_ASKED
    assert video_of(plane, child.job_id) == ("FAILED", "WORKER_KILLED"), "what was tried most often is asked first"


def test_a_job_that_failed_for_a_part_which_is_not_described_yet_waits_for_its_reason(
    plane: Plane, children: list[Child]
):
    child = children[1]
    plane.executor.tell(child.array, JobState.FAILED, attempt=1)
    plane.executor.tell(f"handle-{child.job_id}", JobState.FAILED, attempt=1, why="Dependent Job failed")
    plane.turn("sweep")
    assert video_of(plane, child.job_id) == ("UPLOADED", None)
    child.ends(JobState.FAILED, 137)
    plane.turn("sweep")
    assert video_of(plane, child.job_id) == ("FAILED", "WORKER_KILLED")
