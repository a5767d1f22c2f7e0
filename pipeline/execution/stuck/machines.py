"""How large the machines are that compute environments may start: of the families that the stack's lists may name.

A size's vCPUs are four times its number (`2xlarge` has 8), and a family's memory goes with its vCPUs (AWS, "Amazon EC2
instance types", read 2026-11). DescribeInstanceTypes would say it too, but EC2's API cannot be reached from subnets
without a way to the internet.
"""

import re
from dataclasses import dataclass
from typing import Final

GIB_PER_VCPU: Final = {
    "c6i": 2, "c7i": 2, "c6a": 2, "c7a": 2, "m6i": 4, "m7i": 4, "m6a": 4, "m7a": 4, "r6i": 8, "r7i": 8,
    "g4dn": 4, "g5": 4, "g6": 4,
}  # fmt: skip
GPU_FAMILIES: Final = frozenset({"g4dn", "g5", "g6"})
# Every other size of these families has one GPU.
GPUS: Final = {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8}
VCPUS: Final = {"medium": 1, "large": 2, "xlarge": 4}
_SIZE = re.compile(r"(\d+)xlarge")


@dataclass(frozen=True)
class Machine:
    name: str
    vcpus: int
    memory_mib: int
    gpus: int


def machine_of(instance_type: str) -> Machine | None:
    """None for what is not one size of a family that is known here, such as `optimal`."""
    family, _, size = instance_type.partition(".")
    several = _SIZE.fullmatch(size)
    vcpus = int(several[1]) * 4 if several else VCPUS.get(size)
    if vcpus is None or family not in GIB_PER_VCPU:
        return None
    gpus = GPUS.get(size, 1) if family in GPU_FAMILIES else 0
    return Machine(instance_type, vcpus, vcpus * GIB_PER_VCPU[family] * 1024, gpus)
