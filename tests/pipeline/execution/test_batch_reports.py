"""What AWS Batch says of a job is read whole: what it leaves out does no harm, and what it says of an end is kept."""

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.execution.batch_reports import BatchJob
from pipeline.execution.executor import JobReport
from pipeline.lifecycle.job_state import JobState

EXITED = "Essential container in task exited"


def read(status: str, **said: Any) -> JobReport:
    return BatchJob.model_validate(
        {"jobId": "a-1:3", "jobName": "name", "status": status, "createdAt": 1_700_000_000_000, **said}
    ).report()


def test_why_a_container_died_or_never_was_is_told_beside_batchs_own_words():
    """Batch says the same two things of most ends, and the agent of ECS which of them it was."""
    killed = {"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}
    attempt = {"container": killed, "startedAt": 1, "stoppedAt": 2, "statusReason": EXITED}
    report = read("FAILED", statusReason=EXITED, container=killed, attempts=[attempt])
    assert report.status_reason == f"{EXITED}: OutOfMemoryError: Container killed due to memory usage"
    assert report.attempts[0].status_reason == report.status_reason
    pull = {"reason": "CannotPullContainerError: context canceled"}
    attempt = {"container": pull, "stoppedAt": 2, "statusReason": "Task failed to start"}
    report = read("FAILED", statusReason="Task failed to start", attempts=[attempt])
    assert report.status_reason == "Task failed to start: CannotPullContainerError: context canceled"
    assert (report.attempt, report.exit_code) == (1, None)


def test_a_reason_that_is_said_twice_is_told_once_and_none_of_an_attempt_before_one_that_runs():
    assert read("FAILED", statusReason="gone", container={"reason": "gone"}).status_reason == "gone"
    assert read("RUNNING", container={"reason": "of the one before"}).status_reason == ""


@pytest.mark.parametrize("field", ["attempts", "container", "arrayProperties", "statusReason"])
def test_a_null_says_as_little_as_no_field(field: str):
    assert read("RUNNING", **{field: None}) == read("RUNNING")


@pytest.mark.parametrize(
    "nonsense", [{"status": "DANCING"}, {"createdAt": 10**20}, {"jobId": "a\0b"}, {"jobId": ""}, {"jobName": None}]
)
def test_nonsense_is_said_to_be_unreadable(nonsense: dict[str, Any]):
    variables = {"environment": [{"name": "JOB_TOKEN", "value": "secret"}]}
    with pytest.raises(ValidationError) as unreadable:
        read(**{"status": "RUNNING", "container": variables, **nonsense})
    assert "secret" not in str(unreadable.value)


def test_what_postgres_does_not_store_is_left_out():
    report = read("FAILED", statusReason="a\0b", arrayProperties={"statusSummary": {"FAILED": 1, "PENDING": 0}})
    assert (report.status_reason, report.children) == ("ab", {JobState.FAILED: 1})
