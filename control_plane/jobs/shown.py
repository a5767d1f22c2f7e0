"""A job as clients see it: no signed URL and no token, in whatever place."""

from datetime import datetime
from typing import Any

from pipeline.database.job_attempts import JobAttempt
from pipeline.database.job_parts import PartAttempt
from pipeline.database.jobs import Job
from pipeline.execution.executor import JobReport
from pipeline.logs import redact_text


def show_job(job: Job) -> dict[str, Any]:
    """A row of a list."""
    return {
        "id": str(job.id),
        "kind": job.kind,
        "asset_id": str(job.asset_id),
        "state": job.state,
        "attempt": job.attempt,
        "handle": job.handle,
        "reason": job.reason,
        "detail": redact_text(job.detail),
        "created_by": job.created_by,
        "created_at": job.created_at.isoformat(),
        "submitted_at": _time(job.submitted_at),
        "started_at": _time(job.started_at),
        "ended_at": _time(job.ended_at),
        "updated_at": job.updated_at.isoformat(),
    }


def show_job_in_full(
    job: Job, attempts: list[JobAttempt], report: JobReport | None, parts: list[PartAttempt]
) -> dict[str, Any]:
    """With its attempts, step times, spec, outcome, and what the executor says of it; None where it says nothing."""
    return {
        **show_job(job),
        "dispatch_tries": job.dispatch_tries,
        "cancelled_at": _time(job.cancelled_at),
        "terminated_at": _time(job.terminated_at),
        "attempts": [_show_attempt(attempt, report) for attempt in attempts],
        "parts": [_show_part(attempt) for attempt in parts],
        "spec": job.spec,
        "outcome": job.outcome,
        "executor": _show_report(report) if report is not None else None,
    }


def _show_attempt(attempt: JobAttempt, report: JobReport | None) -> dict[str, Any]:
    seen = {a.attempt: a.exit_code for a in report.attempts} if report is not None else {}
    return {
        "attempt": attempt.attempt,
        "started_at": attempt.started_at.isoformat(),
        "ended_at": _time(attempt.ended_at),
        "ending": attempt.ending,
        "exit_code": attempt.exit_code if attempt.exit_code is not None else seen.get(attempt.attempt),
        "reason": attempt.reason,
        "detail": redact_text(attempt.detail),
        "steps": attempt.steps,
    }


def _show_part(attempt: PartAttempt) -> dict[str, Any]:
    return {
        "part": attempt.part,
        "attempt": attempt.attempt,
        "started_at": attempt.started_at.isoformat(),
        "ended_at": _time(attempt.ended_at),
        "ending": attempt.ending,
        "reason": attempt.reason,
        "detail": redact_text(attempt.detail),
        "steps": attempt.steps,
    }


def _show_report(report: JobReport) -> dict[str, Any]:
    return {
        "handle": report.handle,
        "name": report.name,
        "state": report.state.value,
        "attempt": report.attempt,
        "status_reason": redact_text(report.status_reason),
        "created_at": report.created_at.isoformat(),
        "attempts": [
            {
                "attempt": attempt.attempt,
                "started_at": _time(attempt.started_at),
                "stopped_at": _time(attempt.stopped_at),
                "exit_code": attempt.exit_code,
                "status_reason": redact_text(attempt.status_reason),
            }
            for attempt in report.attempts
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
