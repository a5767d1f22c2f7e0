"""What an hour of source costs: the seconds of machines that attempts took, times a price, over the hours published.

Attempts that failed are paid for too. Not in it: a machine's boot, the minutes that it idles before Batch lets it go,
disks and traffic.
"""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk.observability.figures import DAY, Figures, graph
from pipeline.costs.prices import AS_OF, INSTANCES, REGION, Instance, Market
from pipeline.execution.catalog import CATALOG, Profile
from pipeline.metrics.catalog import ATTEMPT_SECONDS, SOURCE_SECONDS

# Kinds that work on videos share this queue, and its machines.
QUEUE = "video"


def cost_per_source_hour(figures: Figures, instance_types: Sequence[str]) -> cloudwatch.IWidget:
    """A line for each type at its Spot price, and one for the dearest on demand; a type without a price has none."""
    title = f"Cost per source hour, prices of {REGION} as of {AS_OF}, those of Spot assumed"
    instances = [INSTANCES[name] for name in instance_types if name in INSTANCES]
    if not instances:
        return cloudwatch.TextWidget(markdown=f"### {title}\nNone of {', '.join(instance_types)} is in the table.")
    dearest = max(instances, key=lambda instance: instance.on_demand_usd_per_h)
    lines = [_line(figures, instance, "spot") for instance in instances]
    # A point a day: the page's own range would show one of them.
    return graph(title, [*lines, _line(figures, dearest, "on_demand")], unit="USD", width=16, start="-P14D")


def _line(figures: Figures, instance: Instance, market: Market, *, period: Duration = DAY) -> cloudwatch.MathExpression:
    """Hours of machine over hours of source is seconds over seconds: what is left is the price of an hour."""
    kinds = [kind for kind, profile in CATALOG.items() if profile.queue == QUEUE]
    machine_s = {
        f"machine{number}": figures.of(ATTEMPT_SECONDS, "Sum", period=period, kind=kind)
        for number, kind in enumerate(kinds)
    }
    shares = [share_of(instance, CATALOG[kind]) for kind in kinds]
    paid_s = " + ".join(f"{share:g} * {name}" for share, name in zip(shares, machine_s, strict=True))
    price = instance.usd_per_h(market)
    return cloudwatch.MathExpression(
        expression=f"{price:g} * ({paid_s}) / source",
        using_metrics={**machine_s, "source": figures.of(SOURCE_SECONDS, "Sum", period=period)},
        period=period,
        label=f"{instance.name} {market.replace('_', ' ')}, {price:g} USD/h",
    )


def share_of(instance: Instance, profile: Profile) -> float:
    """The part of a machine that a job pays for, 0 to 1: that which no other job can have beside it.

    The machines of the table have one GPU at most, so whoever has that has the machine.
    """
    if profile.gpus and instance.gpu is not None:
        return 1.0
    memory = profile.memory_mib / 1024 / instance.memory_gib
    return min(1.0, max(profile.vcpus / instance.vcpus, memory))
