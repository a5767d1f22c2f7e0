"""The port through which jobs are run. AWS Batch and this machine's subprocesses implement it alike.

An array is one job of many children, in Batch's words and with Batch's rules on both sides. Child 3 of the job `h` has
the handle `h:3`, by which it is described, cancelled and read like any job. It runs the array's command with the
array's environment and its own AWS_BATCH_JOB_ARRAY_INDEX, and has attempts, a timeout and logs of its own. The array
itself never runs: it is pending until all its children have ended, and then it has succeeded if all of them have, or
else failed. One child's failure ends no other child. Cancelling the array ends them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pipeline.contracts.envelope import JobKind
from pipeline.errors import PermanentError
from pipeline.execution.stuck.explanation import Explanation
from pipeline.lifecycle.job_state import JobState
from pipeline.reasons import Reason

# Quotas of AWS Batch, kept by every executor.
SMALLEST_ARRAY = 2
LARGEST_ARRAY = 10_000

# What Batch says of an array of which a child has failed, and of a job whose `after` has.
CHILD_FAILED = "Array Child Job failed"
DEPENDENCY_FAILED = "Dependent Job failed"


class AwaitedUnknown(PermanentError):
    """The job that a submission is to wait for is not known, or no more: Batch forgets what ended some days ago."""


def child_handle(parent: str, index: int) -> str:
    return f"{parent}:{index}"


def parent_of(handle: str) -> str | None:
    """The array's handle, of a child's; None for a job of its own."""
    return handle.rpartition(":")[0] or None


def index_of(child: str) -> int:
    return int(child.rpartition(":")[2])


@dataclass(frozen=True)
class Submission:
    """One job to run. `name` is unique per job (`[A-Za-z0-9_-]`, at most 128); the environment holds its token.

    Jobs of different `share`s, the tenants, take turns; within one, those of a higher `priority` (0 to 9999) go first.
    Without one it is the kind's own.

    `array_size` makes it an array of so many children. `after` is the handle of a job that must have succeeded before
    this one runs, of an array all its children; where that fails or is cancelled, this one fails without an attempt.
    `submit` raises `AwaitedUnknown` where it does not know that job.
    Raises `PermanentError` for an array of fewer than 2 or more than 10,000 children.
    """

    name: str
    kind: JobKind
    environment: Mapping[str, str] = field(repr=False)
    share: str
    priority: int | None = None
    array_size: int | None = None
    after: str | None = None

    def __post_init__(self) -> None:
        if self.array_size is not None and not SMALLEST_ARRAY <= self.array_size <= LARGEST_ARRAY:
            allowed = f"an array has {SMALLEST_ARRAY} to {LARGEST_ARRAY}"
            raise PermanentError(Reason.SUBMIT_REFUSED, f"{self.array_size} children of {self.name}, {allowed}")


@dataclass(frozen=True)
class AttemptReport:
    """One attempt as the executor saw it. A killed process has the exit code 128 + the signal's number."""

    attempt: int
    started_at: datetime | None
    stopped_at: datetime | None
    exit_code: int | None
    status_reason: str


@dataclass(frozen=True)
class JobReport:
    """One job as the executor sees it. `attempt` is the one that runs, that ran last, or that is next to run.

    `children` says of an array how many of its children are in which state; it may lag behind them. `index` is a
    child's place in its array. An array has no attempts: why it failed is told by its children.
    """

    handle: str
    name: str
    state: JobState
    attempt: int
    status_reason: str
    created_at: datetime
    attempts: tuple[AttemptReport, ...]
    children: Mapping[JobState, int] = field(default_factory=dict)
    index: int | None = None

    @property
    def parent(self) -> str | None:
        """The array's handle, of a child."""
        return parent_of(self.handle)

    @property
    def exit_code(self) -> int | None:
        """Of the newest ended attempt."""
        ended = [a for a in self.attempts if a.stopped_at is not None]
        return ended[-1].exit_code if ended else None


class Executor(Protocol):
    """Runs jobs; raises `Unavailable` when it does not answer or takes no jobs for now, and `PermanentError` for a job
    that it will never take.
    """

    def submit(self, submission: Submission) -> str:
        """Take the job and return its handle. Not idempotent: `find` first."""

    def find(self, name: str) -> str | None:
        """The handle of the newest job with this name, if a submit has already happened."""

    def describe(self, handles: Sequence[str]) -> dict[str, JobReport]:
        """Reports by handle; a handle that the executor does not know is left out."""

    def explain(self, handles: Sequence[str]) -> dict[str, Explanation]:
        """Why each of these jobs has not begun; a handle that the executor does not know is left out."""

    def list_children(self, handle: str, state: JobState, *, limit: int) -> list[str]:
        """Handles of an array's children that are in this state, by index; none of a job that is no array.

        Where there are more than `limit`, any so many of them: an array of thousands is not paged through.
        """

    def cancel(self, handle: str, reason: str) -> None:
        """End the job in whatever state it is, without another attempt. Does nothing to an ended or unknown one."""

    def read_log(self, handle: str, attempt: int, *, tail_lines: int) -> list[str] | None:
        """The last lines that an attempt wrote; None where there is no such attempt or its log is gone."""

    def close(self) -> None:
        """Let go of what this object holds. Jobs of a remote executor run on; see each implementation."""
