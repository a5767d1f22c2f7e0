"""The few variables that a job gets, whoever runs it: this is all it knows before its first call.

JOB_ID                   which job, or array of jobs; without it the program runs by hand
JOB_TOKEN                bearer token, good for this job only, or for the children of this array
CONTROL_PLANE_URL        where start, uploads, finish and fail are called
REDIS_URL                optional: a user that may touch progress keys only
JOB_SCRATCH              optional: below which folder to work
AWS_BATCH_JOB_ID         set by the executor: the handle
AWS_BATCH_JOB_ATTEMPT    set by the executor: counts from 1
AWS_BATCH_JOB_ARRAY_INDEX  set by the executor for an array's child: which one, counted from 0
FINISH_PATIENCE_S        optional: how long an unreachable control plane is asked again, in seconds
ENCODER                  optional: auto (default), nvenc or x264; a GPU queue's jobs get nvenc
DECODER                  optional: cpu (default), auto or nvdec
CPU_FALLBACK             optional: 1 lets a job that wants a GPU and gets none work on the CPU
METRICS_NAMESPACE        optional: CloudWatch's namespace, for the attempt's own metrics; unset, none are written

A run by hand reads ENCODER, DECODER, CPU_FALLBACK and the array's index too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from pipeline.contracts.devices import DecoderWish, DeviceWish, EncoderWish

ARRAY_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"


class DeviceEnvironment(BaseModel):
    """What a run by hand reads; raises pydantic's `ValidationError`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    encoder: EncoderWish = Field(default=EncoderWish.AUTO, alias="ENCODER")
    decoder: DecoderWish = Field(default=DecoderWish.CPU, alias="DECODER")
    cpu_fallback: bool = Field(default=False, alias="CPU_FALLBACK")
    attempt: int = Field(default=1, alias="AWS_BATCH_JOB_ATTEMPT", ge=1)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        return cls.model_validate(dict(environ))

    @property
    def devices(self) -> DeviceWish:
        return DeviceWish(
            encoder=self.encoder, decoder=self.decoder, cpu_fallback=self.cpu_fallback, attempt=self.attempt
        )


class JobEnvironment(DeviceEnvironment):
    """Raises pydantic's `ValidationError` for a container that was set up wrongly; it does not quote values."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    job_id: str = Field(alias="JOB_ID", min_length=1)
    token: SecretStr = Field(alias="JOB_TOKEN")
    control_plane_url: str = Field(alias="CONTROL_PLANE_URL", pattern=r"^https?://")
    redis_url: SecretStr | None = Field(default=None, alias="REDIS_URL")
    scratch: Path | None = Field(default=None, alias="JOB_SCRATCH")
    handle: str = Field(alias="AWS_BATCH_JOB_ID", min_length=1)
    attempt: int = Field(alias="AWS_BATCH_JOB_ATTEMPT", ge=1)
    part: int | None = Field(default=None, alias=ARRAY_INDEX, ge=0)
    patience_s: float = Field(default=60.0, alias="FINISH_PATIENCE_S", gt=0)
    metrics_namespace: str | None = Field(default=None, alias="METRICS_NAMESPACE")
