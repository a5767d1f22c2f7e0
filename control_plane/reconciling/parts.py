"""What becomes of a job when something is heard of the array that makes its parts.

A child that succeeds moves nothing: the join job begins when all have. A child that has failed for good ends the job
with its reason, at once, and whatever else is at work on it is told to stop.
"""

import json
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
from pipeline.lifecycle.reconcile import PartFailed, Reported, Unknown, reason_of_end
from pipeline.logs import get_logger
from pipeline.reasons import Reason
from pipeline.storage.keys import outcome_key

# An outcome without renditions is hundreds of bytes.
OUTCOME_LIMIT_BYTES = 64 * 1024
# Why a job failed is told by one of its parts; the first of these has a reason.
CHILDREN_ASKED = 100

logger = get_logger(__name__)


def news_of_array(services: Services, job: Job) -> PartFailed | None:
    """Of the first child that has failed for good, whatever keeps the others."""
    assert job.array_handle is not None, "asked of jobs that have an array"
    assert job.parts is not None, "an array has children"
    failed = services.executor.list_children(job.array_handle, JobState.FAILED)[:CHILDREN_ASKED]
    # A list may lag behind what is told of the array itself, and of what waits for it.
    asked = failed or [child_handle(job.array_handle, part) for part in range(job.parts)]
    reports = services.executor.describe(asked)
    news = (news_of_child(services, job, reports[handle]) for handle in asked if handle in reports)
    return next((each for each in news if each is not None), None)


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
    return job.array_handle is not None and job.state in {JobState.SUBMITTED, JobState.PENDING}


def array_news(services: Services, job: Job, report: JobReport | None) -> PartFailed | Unknown | None:
    """What the executor's report of the array says about the job; None for nothing new."""
    if report is None:
        return Unknown()
    if report.state is JobState.FAILED or report.children.get(JobState.FAILED):
        return news_of_array(services, job)
    return None


def made_parts(services: Services, job: Job) -> list[PartAttempt]:
    """The newest succeeded attempt of each part, in order.

    Also those whose `finish` never came through: their outcome objects say that they are whole. Raises `Invalid` where
    a part has none.
    """
    assert job.parts is not None, "asked of jobs that have parts"
    with services.pool.connection() as connection:
        attempts = list_part_attempts(connection, job.tenant_id, job.id)
    made: dict[int, PartAttempt] = {}
    for attempt in attempts:
        if attempt.ending == "succeeded":
            made[attempt.part] = attempt
    for attempt in reversed(attempts):
        if attempt.part not in made and (found := _adopt(services, job, attempt)) is not None:
            made[attempt.part] = found
    missing = [part for part in range(job.parts) if part not in made]
    if missing:
        raise Invalid("parts_missing", f"{len(missing)} of {job.parts} parts have left no outcome: {missing[:10]}")
    return [made[part] for part in sorted(made)]


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
