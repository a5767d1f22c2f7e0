"""The port through which jobs are run. AWS Batch and this machine's subprocesses implement it alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pipeline.contracts.envelope import JobKind
from pipeline.execution.stuck.explanation import Explanation
from pipeline.lifecycle.job_state import JobState


@dataclass(frozen=True)
class Submission:
    """One job to run. `name` is unique per job (`[A-Za-z0-9_-]`, at most 128); the environment holds its token.

    Jobs of different `share`s, the tenants, take turns; within one, those of a higher `priority` (0 to 9999) go first.
    Without one it is the kind's own.
    """

    name: str
    kind: JobKind
    environment: Mapping[str, str] = field(repr=False)
    share: str
    priority: int | None = None


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
    """One job as the executor sees it. `attempt` is the one that runs, that ran last, or that is next to run."""

    handle: str
    name: str
    state: JobState
    attempt: int
    status_reason: str
    created_at: datetime
    attempts: tuple[AttemptReport, ...]

    @property
    def exit_code(self) -> int | None:
        """Of the newest ended attempt."""
        ended = [a for a in self.attempts if a.stopped_at is not None]
        return ended[-1].exit_code if ended else None


class Executor(Protocol):
    """Runs jobs; raises `Unavailable` when it does not answer, and `PermanentError` for a job it will never take."""

    def submit(self, submission: Submission) -> str:
        """Take the job and return its handle. Not idempotent: `find` first."""

    def find(self, name: str) -> str | None:
        """The handle of the newest job with this name, if a submit has already happened."""

    def describe(self, handles: Sequence[str]) -> dict[str, JobReport]:
        """Reports by handle; a handle that the executor does not know is left out."""

    def explain(self, handles: Sequence[str]) -> dict[str, Explanation]:
        """Why each of these jobs has not begun; a handle that the executor does not know is left out."""

    def cancel(self, handle: str, reason: str) -> None:
        """End the job in whatever state it is, without another attempt. Does nothing to an ended or unknown one."""

    def read_log(self, handle: str, attempt: int, *, tail_lines: int) -> list[str] | None:
        """The last lines that an attempt wrote; None where there is no such attempt or its log is gone."""

    def close(self) -> None:
        """Let go of what this object holds. Jobs of a remote executor run on; see each implementation."""
