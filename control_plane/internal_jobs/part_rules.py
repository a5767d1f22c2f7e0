"""What the calls of an array's child do. Each is fenced as a job's own: only the newest attempt at its part is heard.

They move no job: the executor begins the join job when all children have succeeded. Only a failure for good ends it.
"""

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from control_plane.assets.kinds import asset_of
from control_plane.assets.parsing import parse_outcome
from control_plane.dispatch import terminations
from control_plane.internal_jobs.failures import parse_failure
from control_plane.internal_jobs.signing import sign_each
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import apply_news
from control_plane.reconciling.parts import part_is_stored
from control_plane.reconciling.statuses import announce
from control_plane.services import Services
from control_plane.videos.parts import prefix_of_part, told_part
from pipeline.contracts.envelope import (
    Attempt,
    FailCall,
    FinishCall,
    JobKind,
    PartProgress,
    ProgressKeys,
    StartCall,
    StartReply,
    UploadsCall,
    UploadsReply,
    Usage,
)
from pipeline.contracts.transcode_part import PartOutcome
from pipeline.database.job_attempts import Ending
from pipeline.database.job_dispatch import record_array_handle
from pipeline.database.job_parts import (
    PartAttempt,
    end_part_failed,
    end_part_succeeded,
    find_newest_of_part,
    insert_part_attempt,
)
from pipeline.database.jobs import Job, find_job, lock_job
from pipeline.errors import Conflict, Invalid, NotFound
from pipeline.execution.executor import child_handle, parent_of
from pipeline.lifecycle.reconcile import PartFailed
from pipeline.metrics.usage import figures_of_usage
from pipeline.progress.keys import job_parts


def start(services: Services, key: JobKey, part: int, call: StartCall) -> StartReply:
    """What the attempt has to do. It makes older attempts at this part stale."""
    with services.pool.connection() as connection:
        job = lock_job(connection, key.tenant_id, key.job_id)
        newest = find_newest_of_part(connection, key.tenant_id, key.job_id, part=part)
        job = _refuse_others(job, key, part, newest=newest, call=call)
        if newest is not None and newest.attempt == call.attempt and newest.ended_at is not None:
            raise Conflict("attempt_has_ended", f"attempt {call.attempt} at part {part} of {job.id} has ended")
        if job.array_handle is None:
            # A child may begin before the dispatcher has written down what it belongs to.
            job = _record_array(connection, job, call.handle)
        insert_part_attempt(connection, key.tenant_id, key.job_id, part=part, attempt=call.attempt)
        asset = asset_of(job.kind)
        status = asset.start(connection, job)
    announce(services, job, status)
    assert job.parts is not None, "it has this one"
    return StartReply(
        job_id=str(job.id),
        kind=JobKind(job.kind),
        tenant_id=job.tenant_id,
        spec=told_part(services.store, job, part, expires_s=services.settings.job_url_expires_s),
        progress=ProgressKeys(
            keys=asset.progress_keys(job),
            part=PartProgress(key=job_parts(job.tenant_id, job.id), number=part, of=job.parts),
        ),
    )


def _record_array(connection: Connection[TupleRow], job: Job, child: str) -> Job:
    try:
        return record_array_handle(connection, job, handle=parent_of(child) or child)
    except UniqueViolation as exc:
        raise Conflict("not_this_jobs_handle", f"{child} is of another job than {job.id}") from exc


def sign_uploads(services: Services, key: JobKey, part: int, call: UploadsCall) -> UploadsReply:
    with services.pool.connection() as connection:
        job = _heard(connection, key, part, call)
    return sign_each(services, prefix_of_part(job, part, call.attempt), call.files)


def finish(services: Services, key: JobKey, part: int, call: FinishCall) -> Job:
    """The part is there, for the join job; a repeated call hears yes."""
    outcome = parse_outcome(PartOutcome, call.outcome)
    if outcome.size_bytes is None:
        raise Invalid("outcome_invalid", f"status {outcome.status!r} is told by the call `fail`")
    with services.pool.connection() as connection:
        job = _heard(connection, key, part, call)
    # The store is asked outside of the transaction.
    if not part_is_stored(services, job, part, call.attempt, outcome):
        raise Invalid("outputs_missing", f"attempt {call.attempt} at part {part} of {job.id} has not stored it")
    with services.pool.connection() as connection:
        lock_job(connection, key.tenant_id, key.job_id)
        job = _heard(connection, key, part, call)
        is_news = end_part_succeeded(
            connection,
            key.tenant_id,
            key.job_id,
            part=part,
            attempt=call.attempt,
            size_bytes=outcome.size_bytes,
            steps=tuple(step.model_dump() for step in outcome.steps),
        )
    if is_news:
        _tell_usage(services, job, call.usage)
    return job


def fail(services: Services, key: JobKey, part: int, call: FailCall) -> Job:
    """End the job with this reason, or keep why this attempt wants to be tried again."""
    failure = parse_failure(call)
    ending = Ending("failed" if call.permanent else "retry", failure.reason, failure.detail, failure.steps)
    with services.pool.connection() as connection:
        lock_job(connection, key.tenant_id, key.job_id)
        job = _heard(connection, key, part, call)
        is_news = end_part_failed(connection, key.tenant_id, key.job_id, part=part, attempt=call.attempt, ending=ending)
    if is_news:
        _tell_usage(services, job, call.usage)
    if not call.permanent:
        return job
    ended = apply_news(services, key, PartFailed(part, failure.reason, failure.detail))
    services.background.wake(terminations.NAME)
    return ended


def _tell_usage(services: Services, job: Job, usage: Usage | None) -> None:
    if usage is not None:
        services.meter.record(figures_of_usage(JobKind(job.kind), usage))


def _heard(connection: Connection[TupleRow], key: JobKey, part: int, call: Attempt) -> Job:
    """The row, where this is the newest attempt at the part and has started; raises `Conflict` otherwise."""
    job = find_job(connection, key.tenant_id, key.job_id)
    newest = find_newest_of_part(connection, key.tenant_id, key.job_id, part=part)
    job = _refuse_others(job, key, part, newest=newest, call=call)
    if newest is None or newest.attempt < call.attempt:
        raise Conflict("attempt_not_started", f"attempt {call.attempt} at part {part} of {job.id} has not called start")
    return job


def _refuse_others(job: Job | None, key: JobKey, part: int, *, newest: PartAttempt | None, call: Attempt) -> Job:
    if job is None or job.parts is None or part >= job.parts:
        raise NotFound("part_not_found", f"no part {part} of job {key.job_id}")
    if not job.is_live:
        raise Conflict("job_has_ended", f"job {job.id} is {job.state}")
    expected = child_handle(job.array_handle, part) if job.array_handle is not None else call.handle
    if call.handle != expected:
        raise Conflict("not_this_jobs_handle", f"part {part} of job {job.id} is {expected}, not {call.handle}")
    if newest is not None and call.attempt < newest.attempt:
        raise Conflict("attempt_is_stale", f"part {part} of job {job.id} is at attempt {newest.attempt}")
    return job
