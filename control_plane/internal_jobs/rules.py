"""What a job's own calls do. Each is fenced: only the newest attempt of a live job, under its handle, is heard."""

from pydantic import ValidationError

from control_plane.assets.kinds import asset_of
from control_plane.assets.port import Outcome
from control_plane.internal_jobs.tokens import JobKey
from control_plane.reconciling.apply import Luggage, apply_news, view_of
from control_plane.reconciling.outcomes import outputs_are_stored, prefix_of
from control_plane.services import Services
from pipeline.contracts.envelope import (
    Attempt,
    FailCall,
    FinishCall,
    JobKind,
    ProgressKeys,
    SignedPut,
    StartCall,
    StartReply,
    StepTime,
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
from pipeline.logs import redact_text
from pipeline.reasons import Reason


def start(services: Services, key: JobKey, call: StartCall) -> StartReply:
    """Everything that the attempt is told, with freshly signed sources."""
    job = apply_news(services, key, Started(handle=call.handle, attempt=call.attempt))
    asset = asset_of(job.kind)
    with services.pool.connection() as connection:
        spec = asset.told_spec(connection, services.store, job, expires_s=services.settings.job_url_expires_s)
    return StartReply(
        kind=JobKind(job.kind),
        tenant_id=job.tenant_id,
        spec=spec,
        progress=ProgressKeys(keys=asset.progress_keys(job)),
    )


def sign_uploads(services: Services, key: JobKey, call: UploadsCall) -> UploadsReply:
    """PUTs below this attempt's own prefix, and nowhere else: `OutputFile.path` can name nothing outside of it."""
    job = _heard(services, key, call)
    prefix = prefix_of(job, call.attempt)
    return UploadsReply(
        files=tuple(
            SignedPut(path=file.path, url=put.url, headers=dict(put.headers))
            for file in call.files
            for put in [
                services.store.sign_put(
                    prefix + file.path,
                    size_bytes=file.size_bytes,
                    content_type=file.content_type,
                    expires_s=services.settings.upload_expires_s,
                    # A PUT whose answer was lost is sent again.
                    once=False,
                )
            ]
        )
    )


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
    try:
        reason = Reason(call.reason)
    except ValueError as exc:
        raise Invalid("reason_unknown", f"{call.reason!r} is not a reason code") from exc
    try:
        steps = tuple(StepTime.model_validate(step).model_dump() for step in call.steps)
    except ValidationError as exc:
        raise Invalid("steps_invalid", "each step has a name and seconds") from exc
    kind = FailedForGood if call.permanent else FailedForNow
    # Postgres stores no NUL; a library's message may quote a URL that is still good.
    detail = redact_text(call.detail.replace("\0", ""))
    news = kind(handle=call.handle, attempt=call.attempt, reason=reason, detail=detail)
    return apply_news(services, key, news, luggage=Luggage(steps=steps, usage=call.usage))
