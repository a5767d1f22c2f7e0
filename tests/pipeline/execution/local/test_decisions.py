"""What errors and ends of attempts mean: tables, without processes."""

import errno
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.contracts.envelope import JobKind
from pipeline.errors import FencedError, Invalid, JobError, PermanentError, TransientError, Unavailable
from pipeline.execution.catalog import CATALOG
from pipeline.execution.job_failure import detail_of, exit_code_of, failure_of, reason_of
from pipeline.execution.local.attempt_files import ExitRecord
from pipeline.execution.local.decisions import (
    KEEP_ENDED_JOBS,
    LOST,
    attempt_ended,
    attempt_interrupted,
    attempt_started,
    to_forget,
)
from pipeline.execution.local.records import JobRecord
from pipeline.lifecycle.job_state import JobState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROFILE = CATALOG[JobKind.TRANSCODE]


def exited(code: int, *, timed_out: bool = False) -> ExitRecord:
    return ExitRecord(exit_code=code, timed_out=timed_out, stopped_at=NOW)


def job(**changes: object) -> JobRecord:
    record = JobRecord(
        handle="h", name="n", kind=JobKind.TRANSCODE, sequence=1, created_at=NOW, state=JobState.RUNNABLE
    )
    return record.model_copy(update=changes)


def after(*ends: ExitRecord | None, interrupted: frozenset[int] = frozenset(), **changes: object) -> JobRecord:
    record = job(**changes)
    for number, end in enumerate(ends, start=1):
        assert record.state is JobState.RUNNABLE, f"there is no attempt {number}"
        assert record.attempt == number
        record = attempt_started(record, now=NOW)
        if number in interrupted:
            record = attempt_interrupted(record)
        record = attempt_ended(record, end, profile=PROFILE, now=NOW)
    return record


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (exited(0), JobState.SUCCEEDED),
        (exited(65), JobState.FAILED),
        (exited(1), JobState.FAILED),
        (exited(127), JobState.FAILED),
        (exited(75), JobState.RUNNABLE),
        (exited(137), JobState.RUNNABLE),
        (exited(143), JobState.RUNNABLE),
        (None, JobState.RUNNABLE),
        (exited(75, timed_out=True), JobState.FAILED),
        (exited(0, timed_out=True), JobState.FAILED),
    ],
)
def test_the_first_attempt_ends(end: ExitRecord | None, state: JobState):
    ended = after(end)
    assert (ended.state, ended.ended_at is not None) == (state, state is not JobState.RUNNABLE)


def test_lost_attempts_count():
    assert after(None, None, None).state is JobState.FAILED
    assert after(None, None, None).status_reason == LOST


def test_interrupted_attempts_do_not_count():
    ends = [exited(75)] * 5
    assert after(*ends, interrupted=frozenset({1, 3, 4})).state is JobState.RUNNABLE
    assert after(*ends, exited(75), interrupted=frozenset({1, 3, 4})).state is JobState.FAILED


@pytest.mark.parametrize(
    ("code", "state"), [(0, JobState.SUCCEEDED), (65, JobState.FAILED), (1, JobState.RUNNABLE), (75, JobState.RUNNABLE)]
)
def test_an_interrupted_attempt_may_still_end_for_good(code: int, state: JobState):
    assert after(exited(code), interrupted=frozenset({1})).state is state


@pytest.mark.parametrize("end", [exited(0), exited(75), exited(137), None])
def test_a_cancelled_job_has_failed_however_its_attempt_ends(end: ExitRecord | None):
    ended = after(end, cancel_reason="by kim")
    assert (ended.state, ended.status_reason) == (JobState.FAILED, "by kim")


def test_an_array_is_kept_as_if_it_were_as_many_jobs_as_its_children():
    ages = {"first": 4, "array": 3, "third": 2, "last": 1}
    jobs = [job(handle=handle, ended_at=NOW - timedelta(hours=age)) for handle, age in ages.items()]
    assert to_forget(jobs, now=NOW) == []
    jobs[1] = jobs[1].model_copy(update={"array_size": KEEP_ENDED_JOBS})
    assert to_forget(jobs, now=NOW) == ["first"]


def raised(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (PermanentError("CORRUPT", "x"), PermanentError, "CORRUPT"),
        (TransientError("TERMINATED"), TransientError, "TERMINATED"),
        (FencedError("CANCELLED"), FencedError, "CANCELLED"),
        (OSError(errno.ENOSPC, "no space"), PermanentError, "DISK_FULL"),
        (OSError(errno.EDQUOT, "quota"), PermanentError, "DISK_FULL"),
        (raised(RuntimeError("x"), OSError(errno.ENOSPC, "no space")), PermanentError, "DISK_FULL"),
        (OSError(errno.EIO, "bad disk"), TransientError, "INTERNAL_ERROR"),
        (MemoryError(), TransientError, "WORKER_KILLED"),
        (KeyError("x"), TransientError, "INTERNAL_ERROR"),
        (Unavailable("store_unavailable", "no answer"), TransientError, "INTERNAL_ERROR"),
        (Invalid("x", "y"), TransientError, "INTERNAL_ERROR"),
        (PermanentError("not a reason"), PermanentError, "INTERNAL_ERROR"),
    ],
)
def test_an_error_says_what_to_do(error: BaseException, kind: type[JobError], reason: str):
    failure = failure_of(error)
    assert isinstance(failure, kind)
    assert reason_of(failure) == reason
    assert exit_code_of(failure) == (75 if kind is TransientError else 65)


def test_a_detail_fits_the_contract_and_holds_no_signature():
    detail = detail_of(PermanentError("CORRUPT", "http://h/k?X-Amz-Signature=abc " + "x" * 9000))
    assert len(detail) == 2000
    assert "abc" not in detail
