"""What Batch knows of one job, array or child, and how arrays and jobs that wait for others come to their ends.

An array is pending from when its children can run until all have ended. A pending job that is terminated ends when
what it waits for has. See "Arrays and jobs that wait" in docs/aws.md.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.contracts.envelope import JobKind
from pipeline.execution.executor import CHILD_FAILED, DEPENDENCY_FAILED, child_handle

ENDED = ("SUCCEEDED", "FAILED")


@dataclass
class BatchJob:
    """What Batch knows, and from when on it says so. `was` is the status before this one, which lists show a while."""

    id: str
    name: str
    kind: JobKind
    queue: str
    created_ms: int
    listed_at_s: float
    described_at_s: float
    status: str = "SUBMITTED"
    reason: str | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    started_ms: int = 0
    ended_at_s: float | None = None
    was: str = "SUBMITTED"
    moved_at_s: float = 0.0
    index: int | None = None
    array: "BatchJob | None" = None
    children: list["BatchJob"] = field(default_factory=list)
    waits_for: "BatchJob | None" = None
    terminated: str | None = None
    """With which reason, while it goes on to wait."""

    @property
    def attempt(self) -> int:
        """The one that runs or is next."""
        return len(self.attempts) + 1

    @property
    def job_id(self) -> str:
        """The row's, of which this is the job, the array of its parts or a child of that."""
        return self.name.removesuffix("-parts")

    def listed_status(self, now_s: float, *, late_s: float) -> str:
        return self.was if self.moved_at_s + late_s > now_s else self.status

    def detail(self, now_s: float, *, late_s: float) -> dict[str, Any]:
        said: dict[str, Any] = {
            "jobId": self.id,
            "jobName": self.name,
            "jobQueue": self.queue,
            "status": self.status,
            "createdAt": self.created_ms,
            "attempts": list(self.attempts),
            "container": {},
        }
        if self.children:
            summary = Counter(child.listed_status(now_s, late_s=late_s) for child in self.children)
            said["arrayProperties"] = {"size": len(self.children), "statusSummary": dict(summary)}
        elif self.index is not None:
            said["arrayProperties"] = {"index": self.index, "statusSummary": {}}
        return said | ({"statusReason": self.reason} if self.reason is not None else {})


def add_children(array: BatchJob, *, size: int, described_at_s: list[float]) -> None:
    array.children = [
        BatchJob(
            id=child_handle(array.id, index),
            name=array.name,
            kind=array.kind,
            queue=array.queue,
            created_ms=array.created_ms,
            listed_at_s=array.listed_at_s,
            described_at_s=described_at_s[index],
            index=index,
            array=array,
        )
        for index in range(size)
    ]


def must_wait(job: BatchJob) -> bool:
    return job.waits_for is not None and job.waits_for.status not in ENDED


def end_of_array(array: BatchJob) -> tuple[str, str] | None:
    """Its status and reason, when all children have ended."""
    if any(child.status not in ENDED for child in array.children):
        return None
    if any(child.status == "FAILED" for child in array.children):
        return "FAILED", array.terminated or CHILD_FAILED
    return "SUCCEEDED", ""


def end_without_attempt(job: BatchJob) -> str | None:
    """The reason of a job that fails when what it has waited for has ended; None where it may run."""
    if job.terminated is not None:
        return job.terminated
    return DEPENDENCY_FAILED if job.waits_for is not None and job.waits_for.status == "FAILED" else None


def whole_jobs(jobs: dict[str, BatchJob]) -> Iterator[BatchJob]:
    """Those that were submitted: children come with their array."""
    return (job for job in jobs.values() if job.index is None)
