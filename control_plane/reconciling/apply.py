"""Act on news about a job: one transaction that holds the job's row, asks `reconcile`, and does what it decides.

Where the decision is to look for the outcome object, that happens outside of any transaction, and what was found is
news again.
"""

from dataclasses import dataclass, replace
from typing import Any, assert_never

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.assets.kinds import asset_of
from control_plane.assets.port import Outcome, Status
from control_plane.internal_jobs.tokens import JobKey
from control_plane.metrics.changes import figures_of_change
from control_plane.reconciling.outcomes import find_outcome
from control_plane.reconciling.statuses import announce
from control_plane.services import Services
from pipeline.contracts.envelope import Usage
from pipeline.database.job_attempts import (
    Ending,
    JobAttempt,
    end_attempt,
    end_attempts_after,
    end_attempts_before,
    insert_attempt,
    record_exit_codes,
)
from pipeline.database.job_parts import end_open_parts, list_part_attempts
from pipeline.database.jobs import (
    Job,
    advance_job,
    end_job_cancelled,
    end_job_failed,
    end_job_succeeded,
    lock_job,
    record_retry_reason,
)
from pipeline.errors import Conflict, NotFound
from pipeline.lifecycle.job_state import JobState, Place
from pipeline.lifecycle.reconcile import (
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
from pipeline.logs import get_logger
from pipeline.metrics.metric import Measurement
from pipeline.reasons import Reason

logger = get_logger(__name__)


@dataclass(frozen=True)
class Luggage:
    """What came with the news and is stored, but decides nothing."""

    outcome: Outcome | None = None
    steps: tuple[dict[str, Any], ...] = ()
    exit_codes: tuple[tuple[int, int], ...] = ()
    """(attempt, exit code) of attempts that the executor saw end."""
    usage: Usage | None = None


@dataclass(frozen=True)
class Change:
    """The job after a transaction, and its asset's status where that was changed; `is_news` where anything was.

    `ended` are the attempts that it has closed. `figures` are to be told, once, after the commit.
    """

    job: Job
    asset: Status | None = None
    is_news: bool = True
    ended: tuple[JobAttempt, ...] = ()
    figures: tuple[Measurement, ...] = ()


NO_LUGGAGE = Luggage()


def view_of(job: Job) -> JobView:
    reason = Reason(job.reason) if job.reason is not None else None
    return JobView(place=job.place, handle=job.handle, last_reason=reason, last_detail=job.detail)


def apply_news(services: Services, key: JobKey, news: News, *, luggage: Luggage = NO_LUGGAGE) -> Job:
    """The job after the news was acted on.

    Raises `Conflict` where the news is refused, and `NotFound` where there is no such job.
    """
    decision, change = _decide_and_act(services, key, news, luggage)
    if isinstance(decision, SeekOutcome):
        assert isinstance(news, Reported | Unknown), f"{news} cannot lead to {decision}"
        news, luggage = _look_for_outcome(services, change.job, decision.attempt, ended=news)
        decision, change = _decide_and_act(services, key, news, luggage)
    if change.is_news:
        logger.info(
            "job_moved",
            job_id=str(key.job_id),
            tenant_id=key.tenant_id,
            news=type(news).__name__,
            decision=type(decision).__name__,
            state=change.job.state,
            attempt=change.job.attempt,
            reason=change.job.reason,
        )
        announce(services, change.job, change.asset)
        services.meter.record(change.figures)
    return change.job


def _decide_and_act(services: Services, key: JobKey, news: News, luggage: Luggage) -> tuple[Decision, Change]:
    try:
        with services.pool.connection() as connection:
            job = lock_job(connection, key.tenant_id, key.job_id)
            if job is None:
                raise NotFound("job_not_found", f"no job {key.job_id}")
            decision = reconcile(view_of(job), news)
            change = act(connection, job, news, decision, luggage=luggage)
            if change.is_news:
                change = measured(connection, job, change, luggage=luggage)
    except psycopg.errors.UniqueViolation as exc:
        # A worker claims a handle that the executor gave to another job.
        raise Conflict("not_this_jobs_handle", f"the handle belongs to another job than {key.job_id}") from exc
    return decision, change


def measured(connection: Connection[TupleRow], before: Job, change: Change, *, luggage: Luggage) -> Change:
    """The change with its figures, in the transaction that made it."""
    # Those of an array's children are told together, when the job ends, which closes them all.
    has_parts = before.parts is not None and not change.job.is_live
    parts = list_part_attempts(connection, before.tenant_id, before.id) if has_parts else []
    figures = figures_of_change(
        before, change.job, change.ended, parts=parts, outcome=luggage.outcome, usage=luggage.usage
    )
    return replace(change, figures=figures)


def _look_for_outcome(services: Services, job: Job, attempt: int, *, ended: Reported | Unknown) -> tuple[News, Luggage]:
    outcome = find_outcome(services, job, attempt)
    handle = job.handle or ""
    codes = Luggage(outcome=outcome)
    if outcome is None:
        return _look_for_older_outcome(services, job, attempt) or (OutcomeAbsent(ended), NO_LUGGAGE)
    if outcome.status == "ready":
        return Finished(handle, attempt), codes
    assert outcome.reason is not None
    return FailedForGood(handle, attempt, outcome.reason, outcome.detail), codes


def _look_for_older_outcome(services: Services, job: Job, attempt: int) -> tuple[News, Luggage] | None:
    """What an attempt before this one had finished when it was taken for lost; the newest of several."""
    for older in range(attempt - 1, 0, -1):
        outcome = find_outcome(services, job, older)
        if outcome is not None and outcome.status == "ready":
            return OutcomeLeft(older), Luggage(outcome=outcome)
    return None


def act(connection: Connection[TupleRow], job: Job, news: News, decision: Decision, *, luggage: Luggage) -> Change:
    """Do what was decided to a held job row, in the caller's transaction."""
    record_exit_codes(connection, job.tenant_id, job.id, codes=luggage.exit_codes)
    match decision:
        case Ignore() | Advance() if isinstance(news, Started):
            return _start(connection, job, news)
        case Ignore() | SeekOutcome():
            return Change(job, is_news=False)
        case Refuse():
            raise Conflict(
                decision.reason, f"job {job.id} is {job.state} with attempt {job.attempt}, not {_speaker(news)}"
            )
        case Advance():
            older = end_attempts_before(
                connection, job.tenant_id, job.id, attempt=decision.place.attempt, detail=_status_reason(news)
            )
            return Change(advance_job(connection, job, decision.place), ended=tuple(older))
        case RecordReason():
            ending = Ending("retry", decision.reason, decision.detail, luggage.steps)
            ended = end_attempt(connection, job.tenant_id, job.id, attempt=decision.attempt, ending=ending)
            kept = record_retry_reason(
                connection, job, attempt=decision.attempt, reason=decision.reason, detail=decision.detail
            )
            return Change(kept, ended=tuple(ended))
        case Succeed():
            assert luggage.outcome is not None, "an outcome comes with the news that there is one"
            return _succeed(connection, job, decision.attempt, luggage.outcome)
        case Fail():
            return fail_job(connection, job, decision, steps=luggage.steps, cancelled=isinstance(news, Cancelled))
        case _:
            assert_never(decision)


def _start(connection: Connection[TupleRow], job: Job, news: Started) -> Change:
    """All of it can be done twice: the answer to a first `start` may have been lost."""
    place = Place(news.attempt, JobState.RUNNING)
    older = end_attempts_before(
        connection, job.tenant_id, job.id, attempt=news.attempt, detail="a newer attempt was started"
    )
    insert_attempt(connection, job.tenant_id, job.id, attempt=news.attempt)
    started = advance_job(connection, job, place, handle=news.handle)
    return Change(started, asset_of(job.kind).start(connection, started), ended=tuple(older))


def _succeed(connection: Connection[TupleRow], job: Job, attempt: int, outcome: Outcome) -> Change:
    asset = asset_of(job.kind)
    steps = tuple(step.model_dump() for step in outcome.steps)
    attempts = (
        *end_attempts_before(connection, job.tenant_id, job.id, attempt=attempt, detail="a newer attempt succeeded"),
        *end_attempt(connection, job.tenant_id, job.id, attempt=attempt, ending=Ending("succeeded", steps=steps)),
        *end_attempts_after(connection, job.tenant_id, job.id, attempt=attempt, detail="an older attempt had finished"),
    )
    if job.parts is not None:
        end_open_parts(connection, job.tenant_id, job.id)
    ended = end_job_succeeded(connection, job, attempt=attempt, outcome=asset.stored_outcome(outcome))
    return Change(ended, asset.publish(connection, ended, attempt=attempt, outcome=outcome), ended=attempts)


def fail_job(
    connection: Connection[TupleRow],
    job: Job,
    decision: Fail,
    *,
    steps: tuple[dict[str, Any], ...] = (),
    cancelled: bool = False,
) -> Change:
    """End a held job as failed, with its open attempts, and its asset too unless that has an older result."""
    ending = Ending("failed", decision.reason, decision.detail, steps)
    attempts = (
        *end_attempts_before(
            connection, job.tenant_id, job.id, attempt=decision.attempt, detail="a newer attempt failed"
        ),
        *end_attempt(connection, job.tenant_id, job.id, attempt=decision.attempt, ending=ending),
    )
    if job.parts is not None:
        end_open_parts(connection, job.tenant_id, job.id)
    # Children of an array that are still at work, and the job that waits for them, end when the executor is told.
    if cancelled or job.parts is not None:
        ended = end_job_cancelled(
            connection, job, attempt=decision.attempt, reason=decision.reason, detail=decision.detail
        )
    else:
        ended = end_job_failed(
            connection, job, attempt=decision.attempt, reason=decision.reason, detail=decision.detail
        )
    return Change(ended, asset_of(job.kind).fail(connection, ended, reason=decision.reason), ended=attempts)


def _speaker(news: News) -> str:
    match news:
        case Started() | Finished() | FailedForGood() | FailedForNow():
            return f"attempt {news.attempt} of {news.handle}"
        case _:
            return "live"


def _status_reason(news: News) -> str:
    return news.status_reason if isinstance(news, Reported) else ""
