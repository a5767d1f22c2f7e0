"""The one frozen value that says how this installation is set up, read from the environment once, at start.

Where an address is not set, `academy up` starts an embedded server for it and passes its address on.
Jobs do not read this: see `pipeline.execution.entrypoint` for the few variables that a container gets.
"""

from pathlib import Path
from typing import Literal, Self
from uuid import uuid4

from platformdirs import user_data_path
from pydantic import Field, HttpUrl, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.contracts.devices import DecoderWish, EncoderWish
from pipeline.contracts.transcode import Lufs, TranscodeLimits

# AWS Batch's limits for an array.
SMALLEST_ARRAY, LARGEST_ARRAY = 2, 10_000

MIB = 1024 * 1024

# Of a secret that signs with HS256: RFC 7518, 3.2.
SHORTEST_SECRET_BYTES = 32

# Said at once, not by a server that does not start.
SCHEMES = {
    "redis_url": ("redis://", "rediss://", "unix://"),
    "job_redis_url": ("redis://", "rediss://", "unix://"),
    "s3_endpoint_url": ("http://", "https://"),
}


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    # Where embedded servers, jobs and logs keep what must survive a restart.
    academy_data: Path = Field(default_factory=lambda: user_data_path("academy"))

    # Addresses; unset ones are embedded.
    database_url: SecretStr | None = None
    # A secret of AWS Secrets Manager, JSON with username and password, for a DATABASE_URL that holds neither.
    database_secret_arn: str | None = None
    redis_url: SecretStr | None = None
    # An ACL user that may touch progress keys only; jobs get this one.
    job_redis_url: SecretStr | None = None
    s3_endpoint_url: str | None = None
    s3_bucket: str = "academy"
    s3_region: str = "us-east-1"
    s3_access_key_id: str | None = None
    s3_secret_access_key: SecretStr | None = None
    # Whether the server keeps `If-None-Match: *`. The embedded one does not, nor lets it pass from other sites' pages.
    s3_conditional_writes: bool = True

    # The API: where it listens, and how browsers and jobs reach it.
    host: str = "127.0.0.1"
    port: int = Field(default=8100, ge=1, le=65535)
    # Told by /readyz: which of several processes it is that answers at an address.
    instance: str = Field(default_factory=lambda: uuid4().hex)
    public_url: str | None = None
    control_plane_url: str | None = None
    # Where published streams are read from; unset: this API's own /cdn.
    cdn_base_url: str | None = None

    # Who may call. One of the two for users; jobs' tokens are signed with a secret of their own.
    jwt_secret: SecretStr | None = None
    jwt_jwks_url: HttpUrl | None = None
    jwt_audience: str | None = None
    job_token_secret: SecretStr | None = None

    executor: Literal["local", "aws"] = "local"
    local_workers: int = Field(default=1, ge=1, le=64)
    # Where EXECUTOR=aws finds what the CDK stack made: names of queues and definitions begin with the prefix.
    aws_region: str | None = None
    batch_prefix: str = Field(default="academy", pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,40}$")
    batch_log_group: str = "/academy/jobs"
    # The SQS queue that EventBridge writes Batch's events to; without it the sweep alone finds what happened.
    batch_events_queue_url: str | None = None
    # Handed on to jobs where they are set; unset ones are left to the queue's own job definition.
    encoder: EncoderWish | None = None
    decoder: DecoderWish | None = None
    cpu_fallback: bool | None = None
    quality: Literal["vmaf"] | None = None

    # What the sound of new videos is brought to where their upload says nothing, for all tenants and, as a JSON object,
    # for single ones (null: left as it is); unset: left as it is.
    loudness_lufs: Lufs | None = None
    tenant_loudness_lufs: dict[str, Lufs | None] = Field(default_factory=dict)

    database_pool_size: int = Field(default=6, ge=2, le=30)
    upload_expires_s: int = Field(default=3600, ge=60, le=86_400)
    job_url_expires_s: int = Field(default=12 * 3600, ge=60, le=7 * 86_400)
    max_source_bytes: int = Field(default=20 * 1024 * MIB, ge=1)
    multipart_above_bytes: int = Field(default=100 * MIB, ge=5 * MIB)
    part_bytes: int = Field(default=16 * MIB, ge=5 * MIB)
    min_duration_s: float = Field(default=3.0, ge=0)
    # What a source may be at most; rates are in pictures a second.
    max_pixels: int = Field(default=TranscodeLimits().max_pixels, ge=1)
    max_duration_s: float = Field(default=TranscodeLimits().max_duration_s, gt=0)
    max_streams: int = Field(default=TranscodeLimits().max_streams, ge=1)
    max_gap_s: float = Field(default=TranscodeLimits().max_gap_s, gt=0)
    max_source_rate: float = Field(default=TranscodeLimits().max_source_rate, ge=1)
    max_output_rate: int = Field(default=TranscodeLimits().max_output_rate, ge=1, le=240)
    # Videos longer than this are made by an array of jobs, each of which encodes about `split_part_s` of them: a part
    # costs a process's start, a look at the whole source and a group of pictures decoded twice, little of three
    # minutes' work. `inf`: by one job, however long they are.
    split_above_s: float = Field(default=1800.0, ge=0)
    split_part_s: float = Field(default=180.0, gt=0)
    probe_timeout_s: float = Field(default=20.0, gt=0)
    probe_memory_mib: int = Field(default=1024, ge=256)
    # Answer sheets: what a batch may be at most, how many pages one job reads before another machine is worth its
    # start, and what a page of a PDF, TIFF or ZIP is taken to weigh, since nobody has opened the file yet.
    omr_max_batch_bytes: int = Field(default=4 * 1024 * MIB, ge=1)
    omr_pages_per_job: int = Field(default=1000, ge=1)
    omr_bytes_per_page: int = Field(default=150_000, ge=1)
    # How long a job goes on telling a control plane that does not answer how it ended.
    finish_patience_s: float = Field(default=60.0, gt=0)
    # How often rows are compared with what the executor says; an idle sweep is one indexed query.
    sweep_every_s: float = Field(default=1.0, gt=0)
    # Outputs that are not, or no longer, published are kept this long: players may still read them, and the signed
    # PUTs of a stale worker (`upload_expires_s`) may still write some.
    outputs_grace_s: float = Field(default=86_400.0, ge=0)

    # Metrics: each of the two is where they go, and neither has to be. CloudWatch's namespace, in which they are lines
    # on stdout; the secret with which this process's own /metrics is read.
    metrics_namespace: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._/#:-]{1,255}$")
    metrics_token: SecretStr | None = None

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def transcode_limits(self) -> TranscodeLimits:
        return TranscodeLimits(
            max_pixels=self.max_pixels,
            max_duration_s=self.max_duration_s,
            max_streams=self.max_streams,
            max_gap_s=self.max_gap_s,
            max_source_rate=self.max_source_rate,
            max_output_rate=self.max_output_rate,
            probe_memory_mib=self.probe_memory_mib,
        )

    def parts_of(self, duration_s: float) -> int | None:
        """How many children the array of a video's transcode has; None where one job makes it all."""
        if duration_s <= self.split_above_s:
            return None
        parts = min(round(duration_s / self.split_part_s), LARGEST_ARRAY)
        return parts if parts >= SMALLEST_ARRAY else None

    def default_loudness(self, tenant_id: str) -> float | None:
        """In LUFS; None where the tenant's videos keep their sound as it is."""
        return self.tenant_loudness_lufs.get(tenant_id, self.loudness_lufs)

    @field_validator(*SCHEMES)
    @classmethod
    def _has_a_scheme_of_its_kind(cls, value: SecretStr | str | None, field: ValidationInfo) -> SecretStr | str | None:
        address = value.get_secret_value() if isinstance(value, SecretStr) else value
        schemes = SCHEMES[field.field_name or ""]
        if address is not None and not address.startswith(schemes):
            raise ValueError(f"begins with none of {', '.join(schemes)}")
        return value

    @field_validator("jwt_secret", "job_token_secret")
    @classmethod
    def _is_no_shorter_than_what_it_signs(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < SHORTEST_SECRET_BYTES:
            raise ValueError(f"is shorter than {SHORTEST_SECRET_BYTES} bytes: whoever has a token could guess it")
        return value

    @model_validator(mode="after")
    def _has_a_whole_key(self) -> Self:
        if (self.s3_access_key_id is None) != (self.s3_secret_access_key is None):
            raise ValueError("set both S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or neither")
        return self

    @model_validator(mode="after")
    def _one_way_to_know_a_user(self) -> Self:
        if self.jwt_secret is not None and self.jwt_jwks_url is not None:
            raise ValueError("set JWT_SECRET or JWT_JWKS_URL, not both")
        return self
