"""What a job's own calls do. Each is fenced: only the newest attempt of a live job, under its handle, is heard."""

from typing import Any

from control_plane.assets.kinds import asset_of
from control_plane.assets.port import Outcome
from control_plane.internal_jobs.failures import parse_failure
from control_plane.internal_jobs.signing import sign_each
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import Luggage, apply_news, view_of
from control_plane.reconciling.outcomes import outputs_are_stored, prefix_of
from control_plane.reconciling.parts import made_parts
from control_plane.services import Services
from control_plane.videos.parts import told_made
from pipeline.contracts.envelope import (
    Attempt,
    FailCall,
    FinishCall,
    JobKind,
    ProgressKeys,
    StartCall,
    StartReply,
    UploadsCall,
    UploadsReply,
)
from pipeline.database.jobs import Job, find_job
from pipeline.errors import Conflict, Invalid, NotFound
from pipeline.lifecycle.reconcile import (
    Advance,
    FailedForGood,
    FailedForNow,
    Finished,
    Refuse,
    Started,
    Succeed,
    reconcile,
)
from pipeline.reasons import Reason


def start(services: Services, key: JobKey, call: StartCall) -> StartReply:
    """Everything that the attempt is told, with freshly signed sources."""
    job = apply_news(services, key, Started(handle=call.handle, attempt=call.attempt))
    made = _told_made(services, key, job) if job.parts is not None else {}
    asset = asset_of(job.kind)
    with services.pool.connection() as connection:
        spec = asset.told_spec(connection, services.store, job, expires_s=services.settings.job_url_expires_s)
    return StartReply(
        job_id=str(job.id),
        kind=JobKind(job.kind),
        tenant_id=job.tenant_id,
        spec=spec | made,
        progress=ProgressKeys(keys=asset.progress_keys(job)),
    )


def _told_made(services: Services, key: JobKey, job: Job) -> dict[str, Any]:
    """The archives that are to be joined.

    The executor says that all children have ended well: where one has left nothing, the job has failed.
    """
    try:
        made = made_parts(services, job)
    except Invalid as exc:
        apply_news(services, key, FailedForGood(job.handle or "", job.attempt, Reason.OUTCOME_MISSING, exc.detail))
        raise Conflict(exc.reason, exc.detail) from exc
    return {"made": told_made(services.store, job, made, expires_s=services.settings.job_url_expires_s)}


def sign_uploads(services: Services, key: JobKey, call: UploadsCall) -> UploadsReply:
    """PUTs below this attempt's own prefix, and nowhere else: `OutputFile.path` can name nothing outside of it."""
    job = _heard(services, key, call)
    return sign_each(services, prefix_of(job, call.attempt), call.files)


def _heard(services: Services, key: JobKey, call: Attempt) -> Job:
    """The row, where this is its newest attempt and that has started; raises `Conflict` otherwise."""
    job = _get(services, key)
    match reconcile(view_of(job), Started(handle=call.handle, attempt=call.attempt)):
        case Refuse(reason=reason):
            raise Conflict(reason, f"job {job.id} is {job.state} with attempt {job.attempt}, not {call.attempt}")
        case Advance():
            raise Conflict("attempt_not_started", f"attempt {call.attempt} of job {job.id} has not called start")
        case _:
            return job


def _get(services: Services, key: JobKey) -> Job:
    with services.pool.connection() as connection:
        job = find_job(connection, key.tenant_id, key.job_id)
    if job is None:
        raise NotFound("job_not_found", f"no job {key.job_id}")
    return job


def finish(services: Services, key: JobKey, call: FinishCall) -> Job:
    """Publish this attempt's outputs, which must be there; a repeated call of the published attempt hears yes."""
    news = Finished(handle=call.handle, attempt=call.attempt)
    job = _get(services, key)
    outcome = _outcome_of(services, job, call)
    # The store is asked outside of the transaction, and only for an attempt that would be heard.
    if isinstance(reconcile(view_of(job), news), Succeed) and not outputs_are_stored(services.store, job, call.attempt):
        raise Invalid("outputs_missing", f"attempt {call.attempt} of job {job.id} has not stored its outputs")
    return apply_news(services, key, news, luggage=Luggage(outcome=outcome, usage=call.usage))


def _outcome_of(services: Services, job: Job, call: FinishCall) -> Outcome:
    with services.pool.connection() as connection:
        outcome = asset_of(job.kind).parse_outcome(connection, job, call.outcome)
    if outcome.status != "ready":
        raise Invalid("outcome_invalid", f"status {outcome.status!r} is told by the call `fail`")
    return outcome


def fail(services: Services, key: JobKey, call: FailCall) -> Job:
    """End the job, or keep why this attempt wants to be tried again."""
    failure = parse_failure(call)
    kind = FailedForGood if call.permanent else FailedForNow
    news = kind(handle=call.handle, attempt=call.attempt, reason=failure.reason, detail=failure.detail)
    return apply_news(services, key, news, luggage=Luggage(steps=failure.steps, usage=call.usage))
