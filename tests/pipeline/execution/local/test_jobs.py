"""The local executor's table of jobs: large arrays, and jobs that wait, without processes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.contracts.envelope import JobKind
from pipeline.execution.executor import DEPENDENCY_FAILED, child_handle
from pipeline.execution.local.decisions import job_ended
from pipeline.execution.local.jobs import LocalJobs
from pipeline.execution.local.state import StateFolder
from pipeline.lifecycle.job_state import JobState
from tests.fixtures.local_executor import submission

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def open_jobs(folder: Path) -> LocalJobs:
    return LocalJobs(StateFolder(folder), kinds=list(JobKind))


def states(jobs: LocalJobs, *handles: str) -> list[JobState]:
    return [jobs[handle].state for handle in handles]


def test_an_array_of_ten_thousand_is_submitted_and_cancelled_by_one_file(tmp_path: Path):
    jobs = open_jobs(tmp_path)
    array = jobs.insert(replace(submission("parts", "succeeds"), array_size=10_000))
    assert {child.state for child in jobs.children(array.handle)} == {JobState.RUNNABLE}
    assert [child.index for child in jobs.in_order()] == list(range(10_000))
    jobs.save(array.model_copy(update={"cancel_reason": "enough"}))
    jobs.settle()
    assert [path.name for path in (tmp_path / "jobs" / array.handle).iterdir()] == ["job.json"]
    for table in (jobs, open_jobs(tmp_path)):
        assert {(child.state, child.status_reason) for child in table.children(array.handle)} == {
            (JobState.FAILED, "enough")
        }
        assert states(table, array.handle) == [JobState.FAILED]


@pytest.mark.parametrize(
    ("end", "then"),
    [
        (JobState.SUCCEEDED, [JobState.RUNNABLE, JobState.PENDING, JobState.PENDING]),
        (JobState.FAILED, [JobState.FAILED] * 3),
        (None, [JobState.FAILED] * 3),
    ],
)
def test_an_end_that_came_before_a_kill_moves_on_what_waits_after_it(
    tmp_path: Path, end: JobState | None, then: list[JobState]
):
    jobs = open_jobs(tmp_path)
    first = jobs.insert(submission("first", "succeeds"))
    second = jobs.insert(replace(submission("second", "succeeds"), after=first.handle)).handle
    array = jobs.insert(replace(submission("array", "succeeds"), array_size=2, after=first.handle)).handle
    last = jobs.insert(replace(submission("last", "succeeds"), after=array)).handle
    children = [child_handle(array, index) for index in range(2)]
    assert states(jobs, second, array, last, *children) == [JobState.PENDING] * 5
    if end is None:
        StateFolder(tmp_path).remove_job(first.handle)
    else:
        jobs.save(job_ended(first, end, "", now=NOW))
    jobs = open_jobs(tmp_path)
    jobs.settle()
    assert states(jobs, second, array, last) == then
    assert states(jobs, *children) == [then[0]] * 2
    reasons = {jobs[handle].status_reason for handle in (second, array, last, *children)}
    assert reasons == ({""} if end is JobState.SUCCEEDED else {DEPENDENCY_FAILED})
