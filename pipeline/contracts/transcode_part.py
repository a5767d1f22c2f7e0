"""A child of a transcode's array: what it is told and what it tells. The join job's spec is a `TranscodeSpec`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.contracts.envelope import Contract, Step, StepTime
from pipeline.contracts.transcode import STEPS, TranscodeSpec
from pipeline.reasons import Reason

# As of a whole transcode, with the shares that a part's have: a child fetches all of the source and sends a sixtieth.
_WEIGHTS = {"presigning": 1, "downloading": 7, "probing": 5, "transcoding": 82, "uploading": 5}
PART_STEPS: tuple[Step, ...] = tuple(
    step.model_copy(update={"index": index, "weight": _WEIGHTS[step.name]})
    for index, step in enumerate((step for step in STEPS if step.name in _WEIGHTS), start=1)
)

PART_NAME = "part.tar"


class PartSpec(TranscodeSpec):
    """Part `part`, counted from 0, of a source that is cut into `parts`. Part 0 has all of the sound as well."""

    part: int = Field(ge=0, lt=10_000)
    parts: int = Field(ge=2, le=10_000)


class PartOutcome(Contract):
    """How an attempt at a part ended. `size_bytes` is that of `part.tar` beside it.

    The archive holds `part.json`, which is for the join job alone, and the segments.
    """

    status: Literal["ready", "failed"]
    reason: Reason | None = None
    detail: str = ""
    steps: tuple[StepTime, ...] = ()
    size_bytes: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _ready_has_an_archive_and_failed_has_a_reason(self) -> Self:
        if (self.status == "ready") != (self.size_bytes is not None):
            raise ValueError(f"status {self.status!r} does not go with size_bytes {self.size_bytes!r}")
        if (self.status == "failed") != (self.reason is not None):
            raise ValueError(f"status {self.status!r} does not go with reason {self.reason!r}")
        return self
