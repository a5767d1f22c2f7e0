"""What every job and the control plane say to each other, whatever the kind of the job.

The calls are POSTs below `/api/v1/internal/jobs/{job_id}`, with the job's own token as bearer. Each carries
the attempt and the executor's handle, by which the control plane refuses all but the newest attempt. Children of an
array make the same calls below `…/{job_id}/parts/{part}`, with the array's token.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.identifiers import TenantText

OUTCOME_NAME = "outcome.json"


class Contract(BaseModel):
    """A value that crosses a process boundary of ours: frozen, and nothing in it is unexpected."""

    # Validators are built when a model is first used: a process uses few of those that it imports.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class JobKind(StrEnum):
    TRANSCODE = "transcode"
    OMR = "omr"


class Attempt(Contract):
    """Who speaks: the attempt counts from 1, the handle is the executor's identifier of the job."""

    attempt: int = Field(ge=1, le=100)
    handle: str = Field(min_length=1, max_length=200)


class StartCall(Attempt):
    pass


class PartProgress(Contract):
    """Where the child of an array adds what it has done: it is number `number` of `of` children."""

    key: str
    number: int = Field(ge=0)
    of: int = Field(ge=1)


class ProgressKeys(Contract):
    """The Redis keys that this job's progress is written to; a child writes there what all children have done."""

    keys: tuple[str, ...]
    part: PartProgress | None = None


class StartReply(Contract):
    """Everything that the job is told. `spec` is the JSON form of the kind's own Spec.

    `job_id` is the one that the attempt works on: an array's child that is a job by itself learns it only here.
    """

    job_id: str = Field(min_length=1)
    kind: JobKind
    tenant_id: TenantText
    spec: dict[str, Any]
    progress: ProgressKeys


# Below the attempt's prefix: it can name nothing outside of it.
OutputPath = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$", max_length=200)
]


class OutputFile(Contract):
    """A file that the job wants to store: its path below the attempt's prefix, its exact size and type."""

    path: OutputPath
    size_bytes: int = Field(ge=0)
    content_type: str = Field(pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$", max_length=100)


class UploadsCall(Attempt):
    files: tuple[OutputFile, ...] = Field(min_length=1, max_length=500)


class SignedPut(Contract):
    """A presigned PUT: these headers must be sent as they are, since the signature covers them."""

    path: str
    url: str
    headers: dict[str, str]


class UploadsReply(Contract):
    files: tuple[SignedPut, ...]


class Usage(Contract):
    """What an attempt took of its machine: the fullest disk, the largest of its processes, all their CPU time."""

    scratch_used_percent: float = Field(ge=0, le=100)
    peak_memory_bytes: int = Field(ge=0)
    cpu_s: float = Field(ge=0, allow_inf_nan=False)


class FinishCall(Attempt):
    """`outcome` is the JSON form of the kind's own Outcome, the same as the outcome object's."""

    outcome: dict[str, Any]
    usage: Usage | None = None


class FailCall(Attempt):
    reason: str = Field(pattern=r"^[A-Z_]{3,40}$")
    detail: str = Field(default="", max_length=2000)
    permanent: bool
    steps: tuple[dict[str, Any], ...] = ()
    usage: Usage | None = None


class CallReply(Contract):
    """`state` is the job's state after the call."""

    state: str


class Step(Contract):
    """One named step of a job kind. `weight` is its share of the whole work, out of 100."""

    name: str
    index: int
    weight: int
    display_ko: str
    display_en: str


class StepTime(Contract):
    name: str
    seconds: float = Field(ge=0, allow_inf_nan=False)
