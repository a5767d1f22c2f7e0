"""A job of the local executor and its attempts, as they are written down."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from pipeline.contracts.envelope import JobKind
from pipeline.execution.executor import AttemptReport, JobReport
from pipeline.execution.local.attempt_files import Stored
from pipeline.lifecycle.job_state import FINAL, JobState


class AttemptRecord(Stored):
    """One attempt. `interrupted` is set when the executor's own close asked it to end."""

    attempt: int
    started_at: datetime
    stopped_at: datetime | None = None
    exit_code: int | None = None
    status_reason: str = ""
    interrupted: bool = False


class JobRecord(Stored):
    """One job, one array or one child of an array.

    `sequence` is its place in the queue, which children have of their array. `after` is the handle of the job that it
    still waits for. `array_size` makes it an array, `index` a child. Those of one `share` go by `priority`.
    """

    handle: str
    name: str
    kind: JobKind
    sequence: int
    created_at: datetime
    state: JobState
    status_reason: str = ""
    cancel_reason: str | None = None
    ended_at: datetime | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    array_size: int | None = None
    after: str | None = None
    index: int | None = None
    share: str = ""
    priority: int = 0

    @property
    def is_ended(self) -> bool:
        return self.state in FINAL

    @property
    def attempt(self) -> int:
        """The attempt that runs, ran last, or is next to run."""
        return len(self.attempts) + (self.state is JobState.RUNNABLE or not self.attempts)


def report_of(job: JobRecord, children: Iterable[JobRecord]) -> JobReport:
    """The job as every executor tells of it, of an array with its children."""
    return JobReport(
        handle=job.handle,
        name=job.name,
        state=job.state,
        attempt=job.attempt,
        status_reason=job.status_reason,
        created_at=job.created_at,
        attempts=tuple(
            AttemptReport(
                attempt=attempt.attempt,
                started_at=attempt.started_at,
                stopped_at=attempt.stopped_at,
                exit_code=attempt.exit_code,
                status_reason=attempt.status_reason,
            )
            for attempt in job.attempts
        ),
        children=dict(Counter(child.state for child in children)),
        index=job.index,
    )
