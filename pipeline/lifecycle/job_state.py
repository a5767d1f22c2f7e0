"""The states of a job: AWS Batch's own words, for every executor.

A job's place is (attempt, state). It only moves forward: news that would move it back, or nowhere, does nothing.
"""

from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    SUBMITTED = "submitted"
    """The row exists; the dispatcher or the executor moves it on."""
    PENDING = "pending"
    """The executor holds it back until the jobs that it depends on have ended."""
    RUNNABLE = "runnable"
    """It waits for a machine. A failed attempt that will be repeated comes back here with the next attempt."""
    STARTING = "starting"
    """A machine has it; the container is being fetched."""
    RUNNING = "running"
    """The job's own `start` call, or the executor's report, moved it here."""
    SUCCEEDED = "succeeded"
    """Its outcome is published. Final."""
    FAILED = "failed"
    """No attempt is left, or none makes sense, or a person cancelled it. Final."""


FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED})
LIVE = frozenset(JobState) - FINAL

_RANK = {state: rank for rank, state in enumerate(JobState)}


@dataclass(frozen=True)
class Place:
    """Where a job is. `attempt` is 0 until the first one starts."""

    attempt: int
    state: JobState

    def is_before(self, other: "Place") -> bool:
        """Whether a job that is here may move to `other`."""
        if self.state in FINAL:
            return False
        if other.state in FINAL:
            return other.attempt >= self.attempt
        return (self.attempt, _RANK[self.state]) < (other.attempt, _RANK[other.state])
