"""Jobs, as teachers and operators see and steer them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from control_plane.auth import Reader, Writer
from control_plane.cursors import IdStart, next_cursor, parse_cursor
from control_plane.failures import of_writers
from control_plane.jobs.failed import show_failed
from control_plane.jobs.replies import FailedPage, JobPage, JobProgress, JobReply, JobRow, LogReply, WaitingPage
from control_plane.jobs.rules import cancel_job, resubmit_job
from control_plane.jobs.shown import show_job, show_job_in_full
from control_plane.jobs.stuck import explain_waiting
from control_plane.progress.jobs import read_job_progress
from control_plane.services import Services, Wired
from pipeline.contracts.envelope import JobKind
from pipeline.database.job_attempts import list_attempts
from pipeline.database.job_parts import find_newest_of_part, list_part_attempts
from pipeline.database.jobs import Job, JobFilter, find_job, list_jobs
from pipeline.database.videos import Cursor
from pipeline.database.waiting_jobs import list_waiting_jobs
from pipeline.errors import NotFound, Unavailable
from pipeline.execution.executor import JobReport, child_handle
from pipeline.lifecycle.job_state import JobState
from pipeline.logs import get_logger, redact_text

MAX_TAIL_LINES = 5000

logger = get_logger(__name__)
router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


class ResubmitCall(BaseModel):
    """`force` replaces the stream of a READY video, once the new job has ended well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    force: bool = False


@router.get("", response_model=JobPage)
def list_(
    services: Wired,
    caller: Reader,
    *,
    id_start: IdStart = None,
    state: JobState | None = None,
    kind: JobKind | None = None,
    asset_id: UUID | None = None,
    reason: Annotated[str | None, Query(max_length=40)] = None,
    ended_since: AwareDatetime | None = None,
    ended_until: AwareDatetime | None = None,
    newest: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> dict[str, Any]:
    """Jobs of the caller's tenant, newest first; `next_cursor` is null on the last page.

    `newest` leaves out jobs whose work was given to another job afterwards.
    """
    matching = JobFilter(
        id_start=id_start,
        state=state,
        kind=kind,
        asset_id=asset_id,
        reason=reason,
        ended_since=ended_since,
        ended_until=ended_until,
        newest=newest,
    )
    with services.pool.connection() as connection:
        jobs = list_jobs(connection, caller.tenant_id, matching=matching, after=parse_cursor(cursor), limit=limit)
    places = [Cursor(job.created_at, job.id) for job in jobs]
    return {"items": [show_job(job) for job in jobs], "next_cursor": next_cursor(places, limit=limit)}


@router.get("/stuck", response_model=WaitingPage)
def stuck(
    services: Wired,
    caller: Reader,
    *,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> dict[str, Any]:
    """Jobs that have not begun, those that wait longest first, each with why: `cause`, `detail` and `remedy`."""
    with services.pool.connection() as connection:
        jobs = list_waiting_jobs(connection, caller.tenant_id, after=parse_cursor(cursor), limit=limit)
    places = [Cursor(job.created_at, job.id) for job in jobs]
    return {"items": explain_waiting(services, jobs), "next_cursor": next_cursor(places, limit=limit)}


@router.get("/failed", response_model=FailedPage)
def failed(
    services: Wired,
    caller: Reader,
    *,
    kind: JobKind | None = None,
    reason: Annotated[str | None, Query(max_length=40)] = None,
    ended_since: AwareDatetime | None = None,
    ended_until: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> dict[str, Any]:
    """Failed jobs whose work was given to no other job afterwards, newest first.

    Each has `refusal`, which is what a resubmit without `force` would be answered, and null where it would be taken.
    """
    matching = JobFilter(
        state=JobState.FAILED, kind=kind, reason=reason, ended_since=ended_since, ended_until=ended_until, newest=True
    )
    with services.pool.connection() as connection:
        jobs = list_jobs(connection, caller.tenant_id, matching=matching, after=parse_cursor(cursor), limit=limit)
        items = show_failed(connection, caller.tenant_id, jobs)
    places = [Cursor(job.created_at, job.id) for job in jobs]
    return {"items": items, "next_cursor": next_cursor(places, limit=limit)}


@router.get("/{job_id}", response_model=JobReply)
def get(services: Wired, caller: Reader, job_id: UUID) -> dict[str, Any]:
    """A job with its attempts, those at its parts, step times, spec, outcome, and the executor's own report."""
    with services.pool.connection() as connection:
        job = find_job(connection, caller.tenant_id, job_id)
        if job is None:
            raise NotFound("job_not_found", f"no job {job_id}")
        attempts = list_attempts(connection, caller.tenant_id, job_id)
        parts = list_part_attempts(connection, caller.tenant_id, job_id)
    return show_job_in_full(job, attempts, _find_report(services, job), parts)


def _find_report(services: Services, job: Job) -> JobReport | None:
    """None where the executor has forgotten the job, or does not answer: the row is worth showing without it."""
    if job.handle is None:
        return None
    try:
        return services.executor.describe([job.handle]).get(job.handle)
    except Unavailable as exc:
        logger.warning("executor_unavailable", job_id=str(job.id), error=str(exc))
        return None


@router.get("/{job_id}/progress", response_model=JobProgress)
async def progress(services: Wired, caller: Reader, job_id: UUID) -> dict[str, Any]:
    """As of a video; `state` is the job's."""
    return await read_job_progress(services, caller.tenant_id, job_id)


@router.get("/{job_id}/logs", response_model=LogReply)
def logs(
    services: Wired,
    caller: Reader,
    job_id: UUID,
    *,
    tail: Annotated[int, Query(ge=1, le=MAX_TAIL_LINES)] = 200,
    attempt: Annotated[int | None, Query(ge=1, le=100)] = None,
    part: Annotated[int | None, Query(ge=0, lt=10_000)] = None,
) -> dict[str, Any]:
    """The last lines that an attempt wrote, at the job itself or at a part; the newest attempt where none is named."""
    with services.pool.connection() as connection:
        job = find_job(connection, caller.tenant_id, job_id)
        if job is None:
            raise NotFound("job_not_found", f"no job {job_id}")
        newest = find_newest_of_part(connection, caller.tenant_id, job_id, part=part) if part is not None else None
    handle, last = job.handle, job.attempt
    if part is not None:
        handle = child_handle(job.array_handle, part) if job.array_handle is not None else None
        last = newest.attempt if newest is not None else 1
    number = attempt or max(last, 1)
    lines = services.executor.read_log(handle, number, tail_lines=tail) if handle is not None else None
    if lines is None:
        whose = f"part {part} of job {job_id}" if part is not None else f"job {job_id}"
        others = f"; its {job.parts} parts have logs of their own" if part is None and job.parts is not None else ""
        raise NotFound("log_not_found", f"attempt {number} of {whose} has no log, or not any more{others}")
    return {"attempt": number, "lines": [redact_text(line) for line in lines]}


@router.post(
    "/{job_id}/resubmit",
    status_code=202,
    response_model=JobRow,
    responses=of_writers("`job_is_live`, `video_is_ready`"),
)
def resubmit(
    services: Wired, caller: Writer, job_id: UUID, call: Annotated[ResubmitCall | None, Body()] = None
) -> dict[str, Any]:
    """A new job with the same spec; 409 while one is live, and for a READY video without `force`."""
    return show_job(resubmit_job(services, caller, job_id, force=call.force if call is not None else False))


@router.post("/{job_id}/cancel", response_model=JobRow, responses=of_writers("`job_has_ended`"))
def cancel(services: Wired, caller: Writer, job_id: UUID) -> dict[str, Any]:
    """End a live job; its processes are told to stop in the background."""
    return show_job(cancel_job(services, caller, job_id))
