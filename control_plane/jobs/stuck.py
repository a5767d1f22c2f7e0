"""Why jobs have not begun: what the dispatcher wrote on their rows, and what the executor says of the others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from control_plane.dispatch.dispatcher import MOST_ERRORS
from control_plane.jobs.shown import show_job
from control_plane.services import Services
from pipeline.database.jobs import Job
from pipeline.errors import AcademyError
from pipeline.execution.executor import Executor
from pipeline.execution.stuck.explanation import Cause, Explanation
from pipeline.lifecycle.job_state import JobState
from pipeline.logs import get_logger, redact_text

logger = get_logger(__name__)


def explain_waiting(services: Services, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The jobs' rows, each with `why`; without those that have begun meanwhile."""
    explained: dict[str, Explanation] = {}
    silence: Explanation | None = None
    try:
        explained = _explained(services.executor, jobs)
    except AcademyError as exc:
        logger.warning("executor_unavailable", error=str(exc))
        silence = Explanation(Cause.EXECUTOR_SILENT, f"The executor does not say: {exc}")
    now = datetime.now(UTC)
    whys = [(job, _why(job, explained, silence, now=now)) for job in jobs]
    return [_show(job, why, now=now) for job, why in whys if why.cause is not Cause.BEGUN]


def _explained(executor: Executor, jobs: Sequence[Job]) -> dict[str, Explanation]:
    handles = [job.handle for job in jobs if job.handle is not None]
    explained = executor.explain(handles) if handles else {}
    for job in jobs:
        why = explained.get(job.handle) if job.handle is not None else None
        # A job that joins waits as long as its array's children do: why those wait is what is asked.
        if why is not None and why.cause is Cause.AFTER_ANOTHER_JOB and job.handle and job.array_handle:
            explained[job.handle] = _of_array(executor, job.array_handle) or why
    return explained


def _of_array(executor: Executor, array: str) -> Explanation | None:
    """Why the first of its waiting children has not begun; how far they are where one runs. None: nobody says."""
    report = executor.describe([array]).get(array)
    if report is None:
        return None
    counts = ", ".join(f"{count} {state.value}" for state, count in report.children.items())
    told = f"Its parts are made first: {counts}." if counts else "Its parts are made first."
    waiting = executor.list_children(array, JobState.RUNNABLE, limit=1)
    if report.children.get(JobState.RUNNING) or not waiting:
        return Explanation(Cause.AFTER_ANOTHER_JOB, told)
    why = executor.explain(waiting).get(waiting[0])
    return None if why is None else replace(why, detail=f"{told} {why.detail}")


def _why(job: Job, explained: dict[str, Explanation], silence: Explanation | None, *, now: datetime) -> Explanation:
    """Of one job; `silence` stands for what an executor that does not answer would have said."""
    if job.handle is None:
        return explain_unsubmitted(job, now=now)
    return explained.get(job.handle) or silence or _UNKNOWN


_UNKNOWN = Explanation(Cause.JOB_UNKNOWN, "The executor does not know the job; the next sweep looks for its outcome.")


def explain_unsubmitted(job: Job, *, now: datetime) -> Explanation:
    """Of a row that the dispatcher has still to hand to the executor."""
    if job.dispatch_tries == 0:
        return Explanation(Cause.NOT_SUBMITTED, "The dispatcher has not come to it yet.")
    times = f"{job.dispatch_tries} times" if job.dispatch_tries > 1 else "once"
    next_s = max(0.0, (job.dispatch_after - now).total_seconds())
    if job.dispatch_errors:
        return Explanation(
            Cause.BREAKS,
            f"Tried {times}; again in {next_s:.0f} s. After {MOST_ERRORS} errors the job fails, and this is number"
            f" {job.dispatch_errors}: {job.detail}",
            "Look for submit_failed in the control plane's log. What fails meanwhile is given back by academy jobs"
            " resubmit --failed --reason INTERNAL_ERROR.",
        )
    return Explanation(
        Cause.NOT_SUBMITTED,
        f"The executor did not take it, tried {times}; again in {next_s:.0f} s. It said: {job.detail}",
    )


def waits_since(job: Job) -> datetime:
    """A job that was tried before waits since its last attempt, and one that joins parts since all are made."""
    went_before = job.attempt > 1 or job.parts is not None
    return job.updated_at if went_before and job.state == JobState.RUNNABLE else job.created_at


def _show(job: Job, why: Explanation, *, now: datetime) -> dict[str, Any]:
    since = waits_since(job)
    return {
        **show_job(job),
        "waits_since": since.isoformat(),
        "waits_for_s": round((now - since).total_seconds(), 1),
        "why": {
            "cause": why.cause.value,
            "detail": redact_text(why.detail),
            "remedy": why.remedy,
            "needs_a_person": why.needs_a_person,
        },
    }
