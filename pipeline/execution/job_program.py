"""A job kind as a program: what `python -m jobs.<kind>` hands to `pipeline.execution.entrypoint.main`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline.contracts.envelope import Contract, JobKind, Step, StepTime
from pipeline.contracts.transcode import Source
from pipeline.errors import PermanentError
from pipeline.execution.workplace import Workplace
from pipeline.reasons import Reason

SpecT = TypeVar("SpecT", bound=Contract)
OutcomeT = TypeVar("OutcomeT", bound=Contract)


@dataclass(frozen=True)
class JobProgram(Generic[SpecT, OutcomeT]):
    """A function from a spec and a workplace to an outcome, and what is needed around it.

    `run` raises `PermanentError` or `TransientError`; it catches nothing broader and reports nothing by itself.
    `spec_for_file` makes the spec of a run by hand, from the file and the fields that the user gave. Every
    outcome type has the fields status ("ready" or "failed"), reason, detail and steps.

    The program of an array's children has `shown_as`, the job's steps and the one of them that they are shown at.
    """

    kind: JobKind
    spec_type: type[SpecT]
    outcome_type: type[OutcomeT]
    steps: tuple[Step, ...]
    run: Callable[[SpecT, Workplace], OutcomeT]
    spec_for_file: Callable[[Path, Mapping[str, Any]], SpecT]
    shown_as: tuple[tuple[Step, ...], Step] | None = None

    def failed_outcome(self, reason: Reason, detail: str, steps: Sequence[StepTime]) -> OutcomeT:
        return self.outcome_type.model_validate(
            {"status": "failed", "reason": reason, "detail": detail, "steps": [step.model_dump() for step in steps]}
        )


def source_of_file(file: Path) -> Source:
    """A file of this machine as a source; raises SOURCE_GONE and EMPTY_FILE."""
    if not file.is_file():
        raise PermanentError(Reason.SOURCE_GONE, f"{file} is not a file")
    size_bytes = file.stat().st_size
    if size_bytes == 0:
        raise PermanentError(Reason.EMPTY_FILE, f"{file} has no bytes")
    return Source(url=file.resolve().as_uri(), etag=None, size_bytes=size_bytes, filename=file.name)
