"""What becomes of a local job when attempts start and end, and when it is forgotten: pure, in AWS Batch's words."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pipeline.execution.catalog import EXITED, Profile
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_PERMANENT
from pipeline.execution.local.attempt_files import ExitRecord
from pipeline.execution.local.records import AttemptRecord, JobRecord
from pipeline.lifecycle.job_state import JobState
from pipeline.lifecycle.reconcile import ATTEMPT_TIMED_OUT

# Batch's rules know a machine that went away by the words at the start.
LOST = "Host EC2 (this machine) lost the attempt"
INTERRUPTED = "Host EC2 (this machine) is being stopped"

KEEP_ENDED = timedelta(days=30)
KEEP_ENDED_JOBS = 1000


def attempt_started(job: JobRecord, *, now: datetime) -> JobRecord:
    """The job with its next attempt running."""
    attempt = AttemptRecord(attempt=job.attempt, started_at=now)
    return job.model_copy(update={"state": JobState.RUNNING, "status_reason": "", "attempts": (*job.attempts, attempt)})


def attempt_interrupted(job: JobRecord) -> JobRecord:
    """The job with its running attempt marked as one that the executor itself ends."""
    *before, last = job.attempts
    return job.model_copy(update={"attempts": (*before, last.model_copy(update={"interrupted": True}))})


def attempt_ended(job: JobRecord, end: ExitRecord | None, *, profile: Profile, now: datetime) -> JobRecord:
    """The job after its running attempt: succeeded, failed, or runnable with one more attempt to come.

    `end` is None for an attempt that nobody saw end. Attempts that the executor itself interrupted do not count
    against the profile's.
    """
    *before, last = job.attempts
    ended = last.model_copy(
        update={
            "stopped_at": now if end is None else end.stopped_at,
            "exit_code": None if end is None else end.exit_code,
            "status_reason": _status_reason(last, end),
        }
    )
    after = job.model_copy(update={"attempts": (*before, ended), "status_reason": ended.status_reason})
    if job.cancel_reason is not None:
        return job_ended(after, JobState.FAILED, job.cancel_reason, now=now)
    if end is not None and end.timed_out:
        return job_ended(after, JobState.FAILED, ended.status_reason, now=now)
    if ended.exit_code == EXIT_DONE:
        return job_ended(after, JobState.SUCCEEDED, ended.status_reason, now=now)
    if profile.retries(attempt=_counted(after), exit_code=ended.exit_code, status_reason=ended.status_reason):
        return after.model_copy(update={"state": JobState.RUNNABLE})
    return job_ended(after, JobState.FAILED, ended.status_reason, now=now)


def job_ended(job: JobRecord, state: JobState, status_reason: str, *, now: datetime) -> JobRecord:
    return job.model_copy(update={"state": state, "status_reason": status_reason, "ended_at": now})


def retry_pause_s(job: JobRecord, *, first_s: float) -> float:
    """Before the next attempt of a job: doubled with each one that counts."""
    return first_s * 2.0 ** max(0, _counted(job) - 1)


def to_forget(jobs: Iterable[JobRecord], *, now: datetime) -> list[str]:
    """Handles of jobs that ended long ago, and of the oldest of too many; an array counts as many as its children."""
    ended = sorted(((job.ended_at, job.handle, job) for job in jobs if job.ended_at is not None), reverse=True)
    forgotten = []
    kept = 0
    for ended_at, handle, job in ended:
        if kept >= KEEP_ENDED_JOBS or ended_at < now - KEEP_ENDED:
            forgotten.append(handle)
        else:
            kept += job.array_size or 1
    return forgotten


def _counted(job: JobRecord) -> int:
    return sum(not attempt.interrupted for attempt in job.attempts)


def _status_reason(attempt: AttemptRecord, end: ExitRecord | None) -> str:
    if end is not None and end.timed_out:
        return ATTEMPT_TIMED_OUT
    if attempt.interrupted and (end is None or end.exit_code not in {EXIT_DONE, EXIT_PERMANENT}):
        return INTERRUPTED
    return LOST if end is None else EXITED
