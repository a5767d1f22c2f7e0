"""What of a stage is there all month, by its sizes. cdk/ makes it; a test compares the two."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Task:
    """A Fargate service: `count` tasks that always run."""

    name: str
    count: int
    vcpus: float
    memory_gib: float


@dataclass(frozen=True)
class Stage:
    """`endpoints` are interface endpoints, each in `endpoint_zones` zones."""

    name: str
    database_instance: str
    database_zones: int
    cache_node: str
    cache_nodes: int
    tasks: tuple[Task, ...]
    endpoint_zones: int
    gpu_instance_types: tuple[str, ...] = ("g4dn.xlarge", "g5.xlarge", "g6.xlarge")
    cpu_instance_types: tuple[str, ...] = ("c6i.large", "c6i.xlarge", "c7i.large", "c7i.xlarge", "m6i.large")
    endpoints: int = 9
    database_gb: int = 20
    public_addresses: int = 2
    secrets: int = 7
    keys: int = 1


_CONSUMER: Final = Task("consumer of events", 1, vcpus=0.25, memory_gib=1)
STAGES: Final = MappingProxyType(
    {
        stage.name: stage
        for stage in (
            Stage(
                "dev",
                database_instance="t4g.small",
                database_zones=1,
                cache_node="cache.t4g.micro",
                cache_nodes=1,
                tasks=(Task("control plane", 1, vcpus=1, memory_gib=4), _CONSUMER),
                endpoint_zones=1,
            ),
            Stage(
                "prod",
                database_instance="t4g.small",
                database_zones=2,
                cache_node="cache.t4g.small",
                cache_nodes=2,
                tasks=(Task("control plane", 2, vcpus=1, memory_gib=4), _CONSUMER),
                endpoint_zones=2,
            ),
        )
    }
)
