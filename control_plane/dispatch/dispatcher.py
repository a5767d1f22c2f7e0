"""The dispatcher: hands submitted rows to the executor, as the outbox of the transactions that inserted them.

A row is held while its job is submitted, so no other dispatcher takes it. Where this process dies between the submit
and its commit, the next one finds the job by its name instead of submitting it twice.

What the executor refuses for good ends the job. An executor that does not answer is asked again for as long as it
takes, after 1, 2, 4 ... 60 s. Whatever else goes wrong over a row, there or here, sets it aside for as long, so that
those behind it go on, and ends it after `MOST_ERRORS` times.
"""

from dataclasses import replace
from threading import Event
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from control_plane.dispatch.naming import array_name
from control_plane.internal_jobs.tokens import AUDIENCE, PARTS_AUDIENCE, JobKey, mint_job_token
from control_plane.reconciling.apply import NO_LUGGAGE, Change, fail_job, measured
from control_plane.reconciling.parts import news_of_missing_part
from control_plane.reconciling.statuses import announce
from control_plane.services import Services
from pipeline.contracts.envelope import JobKind
from pipeline.database.array_jobs import count_children, find_handle_of_child
from pipeline.database.job_dispatch import (
    record_array_handle,
    record_dispatch_error,
    record_dispatch_failure,
    record_handle,
)
from pipeline.database.jobs import Job, lock_job
from pipeline.database.jobs_of_all_tenants import lock_next_to_dispatch
from pipeline.errors import PermanentError, Unavailable
from pipeline.execution.executor import AwaitedUnknown, Submission, child_handle, parent_of
from pipeline.identifiers import TenantId
from pipeline.lifecycle.reconcile import Fail
from pipeline.logs import get_logger, redact_text
from pipeline.reasons import Reason

NAME = "dispatcher"
# Submits are woken by the request that inserts a row; this is for rows that wait out a back-off.
EVERY_S = 1.0
LONGEST_BACK_OFF_S = 60.0
# What breaks over a job this often, in ways that nobody foresaw, will break again: two minutes in all.
MOST_ERRORS = 8
# Batch promises no reading of one's own writes: for so many tries, 15 s in all, it may not know yet what it has taken.
TRIES_WITHIN_LAG = 4

logger = get_logger(__name__)


def dispatch(services: Services, stopping: Event) -> None:
    """Submit every row that is due, a tenant's after another's: a thousand of one hold up nobody else's."""
    served: str | None = ""
    while not stopping.is_set() and served is not None:
        served = _dispatch_next(services, served=served)


def _dispatch_next(services: Services, *, served: str) -> str | None:
    """The tenant whose turn it was; None where there was no row."""
    job = None
    try:
        with services.pool.connection() as connection:
            job = lock_next_to_dispatch(connection, served=served)
            if job is None:
                return None
            change = measured(connection, job, _submit(services, connection, job), luggage=NO_LUGGAGE)
    except psycopg.OperationalError:
        # Postgres is away: that is no fault of the row, and nothing can be written on it.
        raise
    except Exception as exc:
        if job is None:
            raise
        change = _set_aside(services, job, exc)
    announce(services, change.job, change.asset)
    services.meter.record(change.figures)
    return job.tenant_id


def _set_aside(services: Services, job: Job, error: Exception) -> Change:
    """Whatever is wrong with this job or with how it is submitted, the jobs behind it must not wait for it.

    In a transaction of its own: the one in which it broke is not to be used any more where a statement did.
    """
    logger.error("submit_failed", job_id=str(job.id), errors_before=job.dispatch_errors, exc_info=error)
    # With what Postgres does not store escaped, such as a NUL.
    detail = redact_text(repr(error))
    with services.pool.connection() as connection:
        held = lock_job(connection, job.tenant_id, job.id)
        assert held is not None, "jobs are never deleted"
        if not held.is_live or held.handle is not None or held.dispatch_tries != job.dispatch_tries:
            # It was submitted, cancelled or set aside meanwhile.
            return Change(held, is_news=False)
        change = None
        if held.dispatch_errors + 1 >= MOST_ERRORS:
            change = _end(connection, held, detail)
        return change or Change(record_dispatch_error(connection, held, wait_s=_back_off_s(held), detail=detail))


def _end(connection: Connection[TupleRow], job: Job, detail: str) -> Change | None:
    """The job failed; None where not even that can be written, so that a person has to look."""
    try:
        with connection.transaction():
            failed = fail_job(connection, job, Fail(job.attempt, Reason.INTERNAL_ERROR, detail))
            return measured(connection, job, failed, luggage=NO_LUGGAGE)
    except psycopg.OperationalError:
        raise
    except Exception:
        logger.exception("job_cannot_be_failed", job_id=str(job.id))
        return None


def _submit(services: Services, connection: Connection[TupleRow], job: Job) -> Change:
    name = str(job.id)
    try:
        if job.parts is not None and job.array_handle is None:
            # Stored before there is a job that waits for it: otherwise, where the executor's lists lag, that could
            # wait for another array than the one whose children are heard. The row is due still, and comes next.
            array = array_submission_of(services, job, array_id=job.id, size=job.parts)
            return Change(record_array_handle(connection, job, handle=_found_or_submitted(services, array)))
        if job.array_id is not None:
            handle = _as_child(services, connection, job, job.array_id)
        elif job.array_handle is not None:
            handle = _after_array(services, job, job.array_handle)
        else:
            handle = _found_or_submitted(services, submission_of(services, job))
    except Unavailable as exc:
        wait_s = _back_off_s(job)
        logger.warning("executor_unavailable", job_id=name, error=str(exc), again_in_s=wait_s)
        return Change(record_dispatch_failure(connection, job, wait_s=wait_s, detail=redact_text(str(exc))))
    except PermanentError as exc:
        logger.warning("submit_refused", job_id=name, error=str(exc))
        refusal = Fail(job.attempt, Reason(exc.reason), redact_text(exc.detail))
        return fail_job(connection, job, refusal)
    logger.info("job_submitted", job_id=name, tenant_id=job.tenant_id, handle=handle)
    return Change(record_handle(connection, job, handle=handle))


def _as_child(services: Services, connection: Connection[TupleRow], job: Job, array_id: UUID) -> str:
    """The job's handle as a child of its array, which is submitted with the first of them."""
    assert job.array_index is not None, "the database says so of a child"
    # Another child's row before the executor's lists, which lag.
    sibling = find_handle_of_child(connection, job.tenant_id, array_id)
    array = parent_of(sibling) if sibling is not None else None
    if array is None:
        size = count_children(connection, job.tenant_id, array_id)
        array = _found_or_submitted(services, array_submission_of(services, job, array_id=array_id, size=size))
    return child_handle(array, job.array_index)


def _after_array(services: Services, job: Job, array: str) -> str:
    """The job's handle, as one that waits for the array of its parts.

    Where nobody has submitted it before the executor forgot the array, the parts are made, or will never be. Raises
    `PermanentError` with why one was not.
    """
    own = submission_of(services, job)
    try:
        return _found_or_submitted(services, replace(own, after=array))
    except AwaitedUnknown as exc:
        if job.dispatch_tries < TRIES_WITHIN_LAG:
            raise Unavailable("executor_unavailable", exc.detail) from exc
    missing = news_of_missing_part(services, job)
    if missing is not None:
        raise PermanentError(missing.reason, f"part {missing.part}: {missing.detail}")
    logger.info("array_forgotten", job_id=str(job.id), array=array)
    return services.executor.submit(own)


def _found_or_submitted(services: Services, submission: Submission) -> str:
    return services.executor.find(submission.name) or services.executor.submit(submission)


def _back_off_s(job: Job) -> float:
    # More tries than these change nothing, and a float holds 2**1023 at most.
    return float(min(2 ** min(job.dispatch_tries, 10), LONGEST_BACK_OFF_S))


def array_submission_of(services: Services, job: Job, *, array_id: UUID, size: int) -> Submission:
    """As the job's own, for children that make its parts, or of which it is one; their token opens their calls only."""
    own = submission_of(services, job)
    token = _mint(services, job.tenant_id, array_id, audience=PARTS_AUDIENCE)
    environment = {**own.environment, "JOB_ID": str(array_id), "JOB_TOKEN": token}
    return replace(own, name=array_name(array_id), environment=environment, array_size=size)


def submission_of(services: Services, job: Job) -> Submission:
    """The job's name and environment; see `pipeline.execution.job_environment` for what each variable is."""
    settings = services.settings
    environment = {
        "JOB_ID": str(job.id),
        "JOB_TOKEN": _mint(services, job.tenant_id, job.id, audience=AUDIENCE),
        "CONTROL_PLANE_URL": services.control_plane_url,
        "FINISH_PATIENCE_S": str(settings.finish_patience_s),
    }
    if settings.job_redis_url is not None:
        environment["REDIS_URL"] = settings.job_redis_url.get_secret_value()
    if settings.encoder is not None:
        environment["ENCODER"] = settings.encoder
    if settings.decoder is not None:
        environment["DECODER"] = settings.decoder
    if settings.cpu_fallback is not None:
        environment["CPU_FALLBACK"] = str(int(settings.cpu_fallback))
    if settings.quality is not None:
        environment["QUALITY"] = settings.quality
    return Submission(
        name=str(job.id),
        kind=JobKind(job.kind),
        environment=environment,
        share=job.tenant_id,
        priority=job.priority,
    )


def _mint(services: Services, tenant_id: str, job_id: UUID, *, audience: str) -> str:
    secret = services.settings.job_token_secret
    assert secret is not None, "checked at start"
    return mint_job_token(JobKey(TenantId(tenant_id), job_id), secret=secret.get_secret_value(), audience=audience)
