"""What an hour of a machine costs, and what it has: the instance types that the stack's compute environments may take.

On demand: the list price of Linux in us-east-1 as of `AS_OF`, from aws.amazon.com/ec2/pricing/on-demand; it rarely
changes. Spot: assumed, 40 to 47 % of it, for there is no list (`sources` says what others paid). The price of the
moment is on aws.amazon.com/ec2/spot/pricing; it moves by half in either direction over a year and between zones. Other
regions cost more: Seoul about a fifth. Disks, traffic and tax come on top.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

from pipeline.errors import Invalid

AS_OF: Final = date(2026, 6, 17)
REGION: Final = "us-east-1"

Market = Literal["spot", "on_demand"]


@dataclass(frozen=True)
class Instance:
    """One instance type: what a machine has, and its price in US dollars an hour. `gpu` is the GPU's model."""

    name: str
    vcpus: int
    memory_gib: int
    gpu: str | None
    on_demand_usd_per_h: float
    spot_usd_per_h: float

    def usd_per_h(self, market: Market) -> float:
        return self.spot_usd_per_h if market == "spot" else self.on_demand_usd_per_h


INSTANCES: Final[Mapping[str, Instance]] = MappingProxyType(
    {
        instance.name: instance
        for instance in (
            Instance("g4dn.xlarge", 4, 16, "T4", on_demand_usd_per_h=0.526, spot_usd_per_h=0.22),
            Instance("g4dn.2xlarge", 8, 32, "T4", on_demand_usd_per_h=0.752, spot_usd_per_h=0.32),
            Instance("g5.xlarge", 4, 16, "A10G", on_demand_usd_per_h=1.006, spot_usd_per_h=0.45),
            Instance("g5.2xlarge", 8, 32, "A10G", on_demand_usd_per_h=1.212, spot_usd_per_h=0.54),
            Instance("g6.xlarge", 4, 16, "L4", on_demand_usd_per_h=0.8048, spot_usd_per_h=0.38),
            Instance("g6.2xlarge", 8, 32, "L4", on_demand_usd_per_h=0.9776, spot_usd_per_h=0.46),
            Instance("c6i.large", 2, 4, None, on_demand_usd_per_h=0.085, spot_usd_per_h=0.034),
            Instance("c6i.xlarge", 4, 8, None, on_demand_usd_per_h=0.17, spot_usd_per_h=0.068),
            Instance("c7i.large", 2, 4, None, on_demand_usd_per_h=0.08925, spot_usd_per_h=0.036),
            Instance("c7i.xlarge", 4, 8, None, on_demand_usd_per_h=0.1785, spot_usd_per_h=0.072),
            Instance("m6i.large", 2, 8, None, on_demand_usd_per_h=0.096, spot_usd_per_h=0.038),
        )
    }
)


def instance_of(name: str) -> Instance:
    """Raises `Invalid` for a type that the table does not have: nothing is guessed."""
    try:
        return INSTANCES[name]
    except KeyError:
        raise Invalid("price_unknown", f"{name} is not in the table of prices; it has {', '.join(INSTANCES)}") from None
