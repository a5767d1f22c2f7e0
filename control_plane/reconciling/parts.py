"""What becomes of a job when something is heard of the array that makes its parts.

A child that succeeds moves nothing: the join job begins when all have. A child that has failed for good ends the job
with its reason, at once, and whatever else is at work on it is told to stop.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace

from control_plane.assets.parsing import parse_outcome
from control_plane.services import Services
from control_plane.videos.parts import prefix_of_part
from pipeline.contracts.transcode_part import PART_NAME, PartOutcome
from pipeline.database.job_parts import (
    PartAttempt,
    end_part_succeeded,
    find_newest_of_part,
    list_part_attempts,
)
from pipeline.database.jobs import Job
from pipeline.errors import Invalid
from pipeline.execution.executor import JobReport, child_handle, index_of
from pipeline.lifecycle.job_state import JobState, Place
from pipeline.lifecycle.reconcile import PartFailed, Reported, reason_of_end
from pipeline.logs import get_logger
from pipeline.reasons import Reason
from pipeline.storage.keys import outcome_key

# An outcome without renditions is hundreds of bytes.
OUTCOME_LIMIT_BYTES = 64 * 1024
# Why a job failed is told by one of its parts. So many are asked about in a turn: a list and a look, each one call of
# AWS Batch, however many children the array has.
CHILDREN_ASKED = 100

_WAITING = frozenset({JobState.SUBMITTED, JobState.PENDING})

logger = get_logger(__name__)


def news_of_array(services: Services, job: Job) -> PartFailed | None:
    """Of a child that has failed for good, whatever keeps the others; None where none is seen yet."""
    assert job.array_handle is not None, "asked of jobs that have an array"
    asked = services.executor.list_children(job.array_handle, JobState.FAILED, limit=CHILDREN_ASKED)
    if not asked:
        # A list may lag behind what is told of the array itself, and of what waits for it.
        asked = [child_handle(job.array_handle, part) for part in _most_likely_failed(services, job)[:CHILDREN_ASKED]]
    reports = services.executor.describe(asked)
    news = (news_of_child(services, job, reports[handle]) for handle in asked if handle in reports)
    return next((each for each in news if each is not None), None)


def _most_likely_failed(services: Services, job: Job) -> list[int]:
    """All parts: those that are not made before others, and of these those that were tried most often."""
    assert job.parts is not None, "an array has children"
    with services.pool.connection() as connection:
        attempts = list_part_attempts(connection, job.tenant_id, job.id)
    made = {attempt.part for attempt in attempts if attempt.ending == "succeeded"}
    tries = {attempt.part: attempt.attempt for attempt in attempts}
    return sorted(range(job.parts), key=lambda part: (part in made, -tries.get(part, 0), part))


def news_of_child(services: Services, job: Job, report: JobReport) -> PartFailed | None:
    """None for a child that may still succeed, or has."""
    if report.state is not JobState.FAILED:
        return None
    part = index_of(report.handle)
    with services.pool.connection() as connection:
        last = find_newest_of_part(connection, job.tenant_id, job.id, part=part)
    said = Reason(last.reason) if last is not None and last.reason is not None else None
    reported = Reported(report.handle, Place(report.attempt, report.state), report.exit_code, report.status_reason)
    reason, detail = reason_of_end(reported, said=said, detail=last.detail if last is not None else "")
    return PartFailed(part, reason, detail)


def waits_for_parts(job: Job) -> bool:
    """Whether the join job has not begun, so that news of the array matters."""
    return job.array_handle is not None and job.state in _WAITING


def array_news(services: Services, job: Job, report: JobReport) -> PartFailed | None:
    """What the executor's report of the array says about the job; None for nothing new."""
    if report.state is JobState.FAILED or report.children.get(JobState.FAILED):
        return news_of_array(services, job)
    return None


def news_without_array(services: Services, job: Job, join: JobReport | None) -> PartFailed | None:
    """What becomes of a job whose array the executor does not know; None where its own report says all there is.

    AWS Batch forgets an array some time after its end, while the job that waited for it may still wait for a machine,
    or work. Nobody makes a part any more, so a job that waits on will begin only if all parts are there.
    """
    if join is None:
        return last_words(services, job)
    return news_of_missing_part(services, job) if join.state in _WAITING else None


def news_of_missing_part(services: Services, job: Job) -> PartFailed | None:
    """Where nobody makes a part any more: why one is missing; None where all are there."""
    missing = _missing(job, find_made_parts(services, job))
    return _said_last(services, job, missing) or next(
        (PartFailed(part, Reason.JOB_LOST, "the executor does not know its array") for part in missing), None
    )


def last_words(services: Services, job: Job) -> PartFailed | None:
    """Of a part that was not made, where its newest attempt has said why."""
    return _said_last(services, job, _missing(job, find_made_parts(services, job)))


def _said_last(services: Services, job: Job, parts: Sequence[int]) -> PartFailed | None:
    with services.pool.connection() as connection:
        newest = {each.part: each for each in list_part_attempts(connection, job.tenant_id, job.id)}
    said = (newest[part] for part in parts if part in newest)
    return next((PartFailed(each.part, Reason(each.reason), each.detail) for each in said if each.reason), None)


def made_parts(services: Services, job: Job) -> list[PartAttempt]:
    """The newest succeeded attempt of each part, in order.

    Also those whose `finish` never came through: their outcome objects say that they are whole. Raises `Invalid` where
    a part has none.
    """
    made = find_made_parts(services, job)
    missing = _missing(job, made)
    if missing:
        raise Invalid("parts_missing", f"{len(missing)} of {job.parts} parts have left no outcome: {missing[:10]}")
    return [made[part] for part in sorted(made)]


def find_made_parts(services: Services, job: Job) -> dict[int, PartAttempt]:
    """As `made_parts`, of those parts that have one, by their numbers."""
    with services.pool.connection() as connection:
        attempts = list_part_attempts(connection, job.tenant_id, job.id)
    made: dict[int, PartAttempt] = {}
    for attempt in attempts:
        if attempt.ending == "succeeded":
            made[attempt.part] = attempt
    for attempt in reversed(attempts):
        if attempt.part not in made and (found := _adopt(services, job, attempt)) is not None:
            made[attempt.part] = found
    return made


def _missing(job: Job, made: Collection[int]) -> list[int]:
    assert job.parts is not None, "asked of jobs that have parts"
    return [part for part in range(job.parts) if part not in made]


def _adopt(services: Services, job: Job, attempt: PartAttempt) -> PartAttempt | None:
    """The attempt as succeeded, where what it stored says so."""
    outcome = read_part_outcome(services, job, attempt.part, attempt.attempt)
    if outcome is None or outcome.size_bytes is None:
        return None
    logger.info("part_adopted", job_id=str(job.id), part=attempt.part, attempt=attempt.attempt)
    steps = tuple(step.model_dump() for step in outcome.steps)
    with services.pool.connection() as connection:
        end_part_succeeded(
            connection,
            job.tenant_id,
            job.id,
            part=attempt.part,
            attempt=attempt.attempt,
            size_bytes=outcome.size_bytes,
            steps=steps,
        )
    return replace(attempt, ending="succeeded", size_bytes=outcome.size_bytes)


def read_part_outcome(services: Services, job: Job, part: int, attempt: int) -> PartOutcome | None:
    """The outcome that an attempt stored, with its archive beside it; what cannot be read counts as none."""
    prefix = prefix_of_part(job, part, attempt)
    body = services.store.read(outcome_key(prefix), limit_bytes=OUTCOME_LIMIT_BYTES)
    if body is None:
        return None
    try:
        outcome = parse_outcome(PartOutcome, json.loads(body))
    except (ValueError, RecursionError, Invalid) as exc:
        logger.warning("outcome_unreadable", key=outcome_key(prefix), error=str(exc)[:500])
        return None
    return outcome if part_is_stored(services, job, part, attempt, outcome) else None


def part_is_stored(services: Services, job: Job, part: int, attempt: int, outcome: PartOutcome) -> bool:
    archive = services.store.find(prefix_of_part(job, part, attempt) + PART_NAME)
    return archive is not None and archive.size_bytes == outcome.size_bytes
