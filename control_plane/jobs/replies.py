"""What the calls about jobs answer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from control_plane.replies import Reply, WorkProgress
from pipeline.contracts.envelope import JobKind
from pipeline.execution.stuck.explanation import Cause
from pipeline.lifecycle.job_state import JobState


class JobRow(Reply):
    """A job. `asset_id` is the video or the batch that it works on, `handle` what the executor calls it."""

    id: UUID
    kind: JobKind
    asset_id: UUID
    state: JobState
    attempt: int
    """0 until the first one starts."""
    priority: int | None
    handle: str | None
    reason: str | None
    """Why it failed; of a live job, why its last attempt did."""
    detail: str
    created_by: str
    created_at: datetime
    submitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime


class JobPage(Reply):
    items: tuple[JobRow, ...]
    next_cursor: str | None


class PartAttemptReply(Reply):
    """An attempt at a part of a long video. `steps` are those that it has done, each with its `name` and `seconds`."""

    part: int
    attempt: int
    started_at: datetime
    ended_at: datetime | None
    ending: str | None
    """`succeeded`, `failed` or `retry`; null while it runs."""
    reason: str | None
    detail: str
    steps: tuple[dict[str, Any], ...]


class AttemptReply(Reply):
    """As of a part, and how its process ended."""

    attempt: int
    started_at: datetime
    ended_at: datetime | None
    ending: str | None
    exit_code: int | None
    reason: str | None
    detail: str
    steps: tuple[dict[str, Any], ...]


class JobReply(JobRow):
    """With all that is known. `spec` and `outcome` are those of the job's kind, without signed addresses."""

    dispatch_tries: int
    cancelled_at: datetime | None
    terminated_at: datetime | None
    attempts: tuple[AttemptReply, ...]
    parts: tuple[PartAttemptReply, ...]
    spec: dict[str, Any]
    outcome: dict[str, Any] | None
    executor: dict[str, Any] | None
    """What the executor says of it; null where it has forgotten it or does not answer."""


class Why(Reply):
    """`remedy` says what to do, empty for waiting; `needs_a_person` where no waiting mends it."""

    cause: Cause
    detail: str
    remedy: str
    needs_a_person: bool


class WaitingJob(JobRow):
    waits_since: datetime
    waits_for_s: float
    why: Why


class WaitingPage(Reply):
    items: tuple[WaitingJob, ...]
    next_cursor: str | None


class Refusal(Reply):
    reason: str
    detail: str


class FailedJob(JobRow):
    refusal: Refusal | None
    """What a resubmit without `force` would be answered; null where it would be taken."""


class FailedPage(Reply):
    items: tuple[FailedJob, ...]
    next_cursor: str | None


class LogReply(Reply):
    """Lines as the attempt wrote them, with signatures and tokens blacked out."""

    attempt: int
    lines: tuple[str, ...]


class JobProgress(WorkProgress):
    """The last three fields are there once the job has ended."""

    state: JobState
    hls_path: str | None = None
    duration: float | None = None
    error_reason: str | None = None
