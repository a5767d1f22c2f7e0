"""What a change of a job's row says in figures. Pure; each change is told once, after its commit.

A process that dies between the commit and the telling takes the figures of that one change with it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from control_plane.assets.kinds import asset_of
from control_plane.assets.port import Outcome
from pipeline.contracts.envelope import JobKind, Usage
from pipeline.contracts.omr import OmrOutcome
from pipeline.contracts.transcode import TranscodeOutcome
from pipeline.database.job_attempts import JobAttempt
from pipeline.database.job_parts import PartAttempt
from pipeline.database.jobs import Job
from pipeline.lifecycle.job_state import JobState
from pipeline.metrics.catalog import (
    ATTEMPT_SECONDS,
    JOB_FAILURES,
    JOBS_ENDED,
    QUEUE_SECONDS,
    REAL_TIME_FACTOR,
    SHEETS,
    SHEETS_TO_REVIEW,
    SOURCE_SECONDS,
    SPOT_RECLAIMS,
    STEP_SECONDS,
)
from pipeline.metrics.metric import Measurement
from pipeline.metrics.usage import figures_of_usage
from pipeline.reasons import BLAMES_UPLOAD, Reason

# How Batch begins the status reason of an attempt whose machine is gone.
HOST_IS_GONE = "Host EC2"
ENCODING_STEP = "transcoding"


Attempt = JobAttempt | PartAttempt


def figures_of_change(
    before: Job,
    after: Job,
    ended: Sequence[JobAttempt],
    *,
    parts: Sequence[PartAttempt] = (),
    outcome: Outcome | None,
    usage: Usage | None,
) -> tuple[Measurement, ...]:
    """`ended` are the attempts that this change has closed, and `parts` those at the parts of a job that has ended.

    `outcome` and `usage` came with the news of it.
    """
    kind = JobKind(after.kind)
    figures = []
    begun_at = _begun_at(before, after, parts)
    if begun_at is not None:
        figures.append(QUEUE_SECONDS.of((begun_at - after.created_at).total_seconds(), kind=kind))
    attempts: tuple[Attempt, ...] = (*ended, *parts)
    for attempt in attempts:
        figures += _of_attempt(kind, attempt)
    if ended and usage is not None:
        figures += figures_of_usage(kind, usage)
    if before.is_live and not after.is_live:
        figures += _of_end(kind, after)
        if after.state == JobState.SUCCEEDED and outcome is not None:
            figures += _of_outcome(outcome, attempts)
    return tuple(figures)


def _begun_at(before: Job, after: Job, parts: Sequence[PartAttempt]) -> datetime | None:
    """Its first attempt's start, where this change is the one to tell it.

    A job with parts has waited until the first of them has begun, not until it joins them: that is told at its end.
    """
    if before.parts is not None:
        return min((attempt.started_at for attempt in parts), default=None)
    return after.started_at if before.started_at is None else None


def _of_attempt(kind: JobKind, attempt: Attempt) -> Iterator[Measurement]:
    assert attempt.ended_at is not None, "it was closed"
    yield ATTEMPT_SECONDS.of((attempt.ended_at - attempt.started_at).total_seconds(), kind=kind)
    if attempt.reason == Reason.TERMINATED or attempt.detail.startswith(HOST_IS_GONE):
        yield SPOT_RECLAIMS.of(1, kind=kind)
    if attempt.ending == "succeeded":
        # Names come from a worker, which may have been taken over: those that we do not know are not passed on.
        known = {step.name for step in asset_of(kind).steps}
        for step in attempt.steps:
            if step["name"] in known:
                yield STEP_SECONDS.of(step["seconds"], kind=kind, step=step["name"])


def _of_end(kind: JobKind, job: Job) -> Iterator[Measurement]:
    reason = Reason(job.reason) if job.reason is not None else None
    yield JOBS_ENDED.of(1, kind=kind, result=_result(reason))
    if reason is not None:
        yield JOB_FAILURES.of(1, kind=kind, reason=reason)


def _result(reason: Reason | None) -> str:
    if reason is None:
        return "succeeded"
    if reason is Reason.CANCELLED:
        return "cancelled"
    return "refused" if reason in BLAMES_UPLOAD else "failed"


def _of_outcome(outcome: Outcome, attempts: Sequence[Attempt]) -> Iterator[Measurement]:
    match outcome:
        case TranscodeOutcome():
            assert outcome.duration_s is not None, "the contract says so of a ready outcome"
            yield SOURCE_SECONDS.of(outcome.duration_s)
            # Of one machine, however many there were.
            worked = (attempt for attempt in attempts if attempt.ending == "succeeded")
            steps = (step for attempt in worked for step in attempt.steps)
            encoding_s = sum(step["seconds"] for step in steps if step["name"] == ENCODING_STEP)
            if encoding_s > 0:
                yield REAL_TIME_FACTOR.of(outcome.duration_s / encoding_s)
        case OmrOutcome():
            read = [sheet for sheet in outcome.sheets if sheet.state == "read"]
            yield SHEETS.of(len(read), result="read")
            yield SHEETS.of(len(outcome.sheets) - len(read), result="refused")
            yield SHEETS_TO_REVIEW.of(sum(bool(sheet.review_reasons) for sheet in read))
