"""What stands in a test's control plane for what it would wait for: an executor, its loops, the probe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from types import SimpleNamespace
from typing import cast

from control_plane.background import Background, Chore
from pipeline.errors import AcademyError
from pipeline.execution.executor import AttemptReport, JobReport, Submission
from pipeline.execution.stuck.explanation import Explanation
from pipeline.lifecycle.job_state import JobState
from pipeline.media.facts import SourceFacts


class RecordingExecutor:
    """Takes every job and runs none; what it says of them is what a test wrote into `reports`."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.submitted: list[Submission] = []
        self.reports: dict[str, JobReport] = {}
        self.cancelled: list[tuple[str, str]] = []
        self.explanations: dict[str, Explanation] = {}
        self.failure: Exception | None = None

    def submit(self, submission: Submission) -> str:
        if self.failure is not None:
            raise self.failure
        self.submitted.append(submission)
        handle = f"handle-{submission.name}"
        self.tell(handle, JobState.SUBMITTED, attempt=1)
        return handle

    def find(self, name: str) -> str | None:
        handle = f"handle-{name}"
        return handle if handle in self.reports else None

    def describe(self, handles: Sequence[str]) -> dict[str, JobReport]:
        if self.failure is not None:
            raise self.failure
        return {handle: self.reports[handle] for handle in handles if handle in self.reports}

    def explain(self, handles: Sequence[str]) -> dict[str, Explanation]:
        if self.failure is not None:
            raise self.failure
        return {handle: self.explanations[handle] for handle in handles if handle in self.explanations}

    def list_children(self, handle: str, state: JobState, *, limit: int) -> list[str]:
        listed = (h for h, report in self.reports.items() if report.parent == handle and report.state is state)
        return sorted(listed)[:limit]

    def cancel(self, handle: str, reason: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.cancelled.append((handle, reason))

    def read_log(self, handle: str, attempt: int, *, tail_lines: int) -> list[str] | None:
        lines = ["first", "GET http://s3/bucket/key?X-Amz-Signature=abc took 1 s", "last"]
        return lines[-tail_lines:] if attempt == 1 else None

    def close(self) -> None:
        return

    def tell(
        self,
        handle: str,
        state: JobState,
        *,
        attempt: int,
        exit_codes: Sequence[int] = (),
        why: str = "",
        children: Mapping[JobState, int] | None = None,
    ) -> None:
        now = datetime.now(UTC)
        ended = tuple(AttemptReport(n, now, now, code, why) for n, code in enumerate(exit_codes, start=1))
        name = handle.removeprefix("handle-")
        self.reports[handle] = JobReport(handle, name, state, attempt, why, now, ended, children or {})


class StillBackground(Background):
    """Keeps its loops still: a test turns one of them once."""

    def __init__(self) -> None:
        super().__init__()
        self.chores: dict[str, Chore] = {}
        self.woken: list[str] = []

    def start(self, chore: Chore) -> None:
        self.chores[chore.name] = chore

    def wake(self, name: str) -> None:
        self.woken.append(name)


@dataclass
class FixedProbe:
    """Says the same of every source, and counts how often it was asked."""

    duration_s: float = 60.0
    failure: AcademyError | None = None
    calls: list[str] = field(default_factory=list)
    gate: Event | None = None

    def forget(self) -> None:
        self.duration_s, self.failure, self.gate = 60.0, None, None
        self.calls.clear()

    def __call__(self, url: str, size_bytes: int) -> SourceFacts:
        self.calls.append(url)
        if self.gate is not None:
            assert self.gate.wait(20)
        if self.failure is not None:
            raise self.failure
        # Of all that a probe tells, the control plane looks at the duration.
        return cast("SourceFacts", SimpleNamespace(duration_s=self.duration_s))
