"""What differs between installations: the frozen values of dev and prod, and what `cdk deploy -c name=value` says."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# Families whose GPUs have NVENC: T4, A10G and L4. The larger p4 and p5 have none (NVIDIA's support matrix).
NVENC_FAMILIES = frozenset({"g4dn", "g5", "g6"})
# What RDS takes as the name of an instance, short enough for ElastiCache's 40 characters of a user.
NAME, LONGEST_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"), 20


@dataclass(frozen=True)
class Vcpus:
    """`maxvCpus` of the compute environments: what a day of nonsense can cost at most."""

    gpu_spot: int
    gpu_on_demand: int
    cpu_spot: int


@dataclass(frozen=True)
class Tasks:
    """How many tasks of the control plane run, and how many at most at once while one version replaces another."""

    least: int
    most: int
    surge_percent: int

    @property
    def at_once(self) -> int:
        return self.most * self.surge_percent // 100


@dataclass(frozen=True)
class R2:
    """A Cloudflare R2 bucket instead of S3's. The secret holds JSON: access_key_id, secret_access_key."""

    endpoint: str
    bucket: str
    secret_name: str


@dataclass(frozen=True)
class Images:
    """Images that somebody has pushed: `{repository}/transcode:{tag}` and so on. Unset, CDK builds them."""

    repository: str
    tag: str


@dataclass(frozen=True)
class Environment:
    """One installation. `prefix` begins every name that a person or the control plane has to know."""

    stage: Literal["dev", "prod"]
    vcpus: Vcpus
    tasks: Tasks
    endpoint_zones: int
    database_instance: str
    database_multi_az: bool
    database_backup_days: int
    cache_node: str
    cache_nodes: int
    log_days: int
    is_kept: bool
    monthly_budget_usd: int
    name: str = "academy"
    region: str = "ap-northeast-2"
    egress: Literal["endpoints", "nat"] = "endpoints"
    gpu_instance_types: tuple[str, ...] = ("g4dn.xlarge", "g5.xlarge", "g6.xlarge")
    cpu_instance_types: tuple[str, ...] = ("c6i.large", "c6i.xlarge", "c7i.large", "c7i.xlarge", "m6i.large")
    # Two of the region's, by name; empty: the first two, which may lack a GPU type or an endpoint.
    zones: tuple[str, ...] = ()
    upload_origins: tuple[str, ...] = ("*",)
    cdn_base_url: str | None = None
    domain: str | None = None
    hosted_zone_id: str | None = None
    certificate_arn: str | None = None
    jwt_jwks_url: str | None = None
    jwt_audience: str | None = None
    r2: R2 | None = None
    images: Images | None = field(default=None)
    alarm_email: str | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or len(self.name) > LONGEST_NAME:
            raise ValueError(
                f"name is {self.name!r}: up to {LONGEST_NAME} small letters, digits and single hyphens, a letter first"
            )
        for name in self.gpu_instance_types:
            if name.partition(".")[0] not in NVENC_FAMILIES:
                raise ValueError(f"gpu_instance_types: {name} has no NVENC; take {', '.join(sorted(NVENC_FAMILIES))}")
        has_tls = self.hosted_zone_id is not None or self.certificate_arn is not None
        if has_tls != (self.domain is not None):
            raise ValueError("domain needs hosted_zone_id or certificate_arn, and each of these needs domain")
        if self.egress == "endpoints" and (self.r2 is not None or self.jwt_jwks_url is not None):
            raise ValueError("R2 and jwt_jwks_url are on the internet: set egress=nat")
        if self.zones and (len(self.zones) != 2 or not all(zone.startswith(self.region) for zone in self.zones)):
            raise ValueError(f"zones are {', '.join(self.zones)}: there have to be two, of {self.region}")
        if self.alarm_email is not None and "@" not in self.alarm_email:
            raise ValueError(f"alarm_email is {self.alarm_email!r}, which is no address")

    @property
    def prefix(self) -> str:
        return f"{self.name}-{self.stage}"

    @property
    def metrics_namespace(self) -> str:
        """CloudWatch's: installations of one account do not mix."""
        return self.prefix

    @property
    def job_log_group(self) -> str:
        return f"/{self.prefix}/jobs"


DEV = Environment(
    stage="dev",
    vcpus=Vcpus(gpu_spot=16, gpu_on_demand=4, cpu_spot=8),
    tasks=Tasks(least=1, most=1, surge_percent=200),
    # An endpoint costs by the hour and zone; from the other zone it is reached for the price of the traffic.
    endpoint_zones=1,
    database_instance="t4g.small",
    database_multi_az=False,
    database_backup_days=3,
    cache_node="cache.t4g.micro",
    cache_nodes=1,
    log_days=7,
    is_kept=False,
    monthly_budget_usd=300,
)

PROD = Environment(
    stage="prod",
    vcpus=Vcpus(gpu_spot=96, gpu_on_demand=16, cpu_spot=32),
    tasks=Tasks(least=2, most=4, surge_percent=150),
    endpoint_zones=2,
    database_instance="t4g.small",
    database_multi_az=True,
    database_backup_days=14,
    cache_node="cache.t4g.small",
    cache_nodes=2,
    log_days=90,
    is_kept=True,
    monthly_budget_usd=1500,
)

STAGES: dict[str, Environment] = {"dev": DEV, "prod": PROD}
_WORDS = (
    "name",
    "region",
    "egress",
    "domain",
    "hosted_zone_id",
    "certificate_arn",
    "jwt_jwks_url",
    "jwt_audience",
    "alarm_email",
    "cdn_base_url",
)
_LISTS = ("gpu_instance_types", "cpu_instance_types", "upload_origins", "zones")


def environment_of(context: Mapping[str, Any]) -> Environment:
    """The environment that the context asks for; raises `ValueError` for what does not fit together.

    Lists are JSON lists (cdk.json) or words with commas between them (`-c`). Empty words count as unset.
    """
    said = {key: value for key, value in context.items() if value not in (None, "")}
    stage = str(said.get("stage", "dev"))
    if stage not in STAGES:
        raise ValueError(f"stage is {stage!r}; there are {', '.join(STAGES)}")
    changes: dict[str, Any] = {word: str(said[word]) for word in _WORDS if word in said}
    changes |= {name: _items(said[name]) for name in _LISTS if name in said}
    if "budget_usd" in said:
        changes["monthly_budget_usd"] = int(said["budget_usd"])
    if "r2_endpoint" in said:
        changes["r2"] = R2(said["r2_endpoint"], _needed(said, "r2_bucket"), _needed(said, "r2_secret"))
    if "image_repository" in said:
        changes["images"] = Images(said["image_repository"], _needed(said, "image_tag"))
    if changes.get("egress", "endpoints") not in ("endpoints", "nat"):
        raise ValueError(f"egress is {changes['egress']!r}; there are endpoints, nat")
    return dataclasses.replace(STAGES[stage], **changes)


def _items(value: Any) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else value
    return tuple(str(word).strip() for word in words)


def _needed(said: Mapping[str, Any], name: str) -> str:
    if name not in said:
        raise ValueError(f"{name} is missing")
    return str(said[name])
