"""What a month costs: lines of factors, so that what is shown is what was multiplied."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.costs import measured, services
from pipeline.costs.measured import Content
from pipeline.costs.prices import Instance, Market, instance_of
from pipeline.costs.stages import Stage
from pipeline.errors import Invalid

# A machine is paid from its start to its end, and a job that comes alone pays all of that: booting, fetching the image
# and ending (FACTS of AWS Batch: jobs under three to five minutes pay more for starting than for working).
STARTING_S: Final = 240.0
# What teachers upload: 1080p at about 4 Mbit/s. Not measured.
SOURCE_GB_PER_H: Final = 1.8
# A page of a scan, with the picture of its marks: two objects, of about this size together. Not measured.
SHEET_GB: Final = 0.001
OBJECTS_A_SHEET: Final = 2
# What alarms watch, each of a sum counting (a test compares it with the stack). A rough figure of what else CloudWatch
# is given: series of metrics of our own, each dimension's value being one, if all of them had figures in every hour;
# gigabytes of log.
ALARM_METRICS: Final = 11
METRICS: Final = 60
LOG_GB: Final = 1.0
# Beyond it nothing is meant in earnest: an hour of video for everybody who lives.
MOST: Final = 1e10


@dataclass(frozen=True)
class Factor:
    """A number with its unit; `is_usd` for a price, whose unit is what it is paid for."""

    value: float
    unit: str
    is_usd: bool = False


@dataclass(frozen=True)
class Line:
    name: str
    factors: tuple[Factor, ...]

    @property
    def usd(self) -> float:
        return math.prod(factor.value for factor in self.factors)


@dataclass(frozen=True)
class Workload:
    """A month's: hours of video, which share of them are lectures, how long a video is, and answer sheets."""

    hours: float
    lectures: float
    minutes_a_video: float
    sheets: int
    sheets_a_job: int


@dataclass(frozen=True)
class Month:
    """`work` grows with the workload, `fixed` does not; `instance` is what transcodes."""

    workload: Workload
    instance: Instance
    market: Market
    work: tuple[Line, ...]
    fixed: tuple[Line, ...]

    @property
    def total_usd(self) -> float:
        return sum(line.usd for line in (*self.work, *self.fixed))

    @property
    def video_usd_per_h(self) -> float | None:
        """Of source: machines and one month of storage, without what is fixed and without answer sheets.

        None where there is no video.
        """
        videos = sum(line.usd for line in self.work if not line.name.startswith(SHEETS))
        return videos / self.workload.hours if self.workload.hours else None

    @property
    def managed_usd(self) -> float:
        return self.workload.hours * services.MANAGED_USD_PER_SOURCE_H

    @property
    def even_at_hours(self) -> float | None:
        """From how many hours a month on this is cheaper, its fixed costs included; None where it never is."""
        if self.video_usd_per_h is None:
            return None
        saved = services.MANAGED_USD_PER_SOURCE_H - self.video_usd_per_h
        return sum(line.usd for line in self.fixed) / saved if saved > 0 else None


# How the names of their lines begin.
SHEETS: Final = "Answer sheets"


def estimate(workload: Workload, stage: Stage, *, instance: str, market: Market) -> Month:
    """Raises `Invalid` for a share above 1, a negative amount, or a type that the stage, or the table, has not."""
    _check(workload)
    if instance not in stage.gpu_instance_types:
        raise Invalid("instance_not_in_stage", f"{instance}: {stage.name} has {', '.join(stage.gpu_instance_types)}")
    machine = instance_of(instance)
    work = tuple(line for line in _work(workload, stage, machine, market) if line.usd > 0)
    return Month(workload, machine, market, work, tuple(_fixed(stage)))


def _check(workload: Workload) -> None:
    if not 0 <= workload.lectures <= 1:
        raise Invalid("share_invalid", f"a share of lectures is 0 to 1, not {workload.lectures:g}")
    amounts = (workload.hours, workload.sheets)
    lengths = (workload.minutes_a_video, workload.sheets_a_job)
    if not (all(0 <= amount <= MOST for amount in amounts) and all(0 < length <= MOST for length in lengths)):
        raise Invalid("amount_invalid", f"amounts are 0 to {MOST:g}, lengths above 0: {workload}")


def _work(workload: Workload, stage: Stage, machine: Instance, market: Market) -> Iterator[Line]:
    price = _price(machine, market)
    contents = ((measured.LECTURE, workload.lectures), (measured.MOVING, 1 - workload.lectures))
    for content, share in contents:
        yield Line(f"Transcoding, {content.name}", (_hours(workload, share), _machine_time(content, machine), price))
    videos = math.ceil(workload.hours * 60 / workload.minutes_a_video)
    yield Line("Transcoding, starting", (Factor(videos, "videos"), _starting(), price))
    yield Line(
        "Sources kept",
        (Factor(workload.hours, "h"), Factor(SOURCE_GB_PER_H, "GB/h"), _usd(services.OBJECTS_USD_PER_GB, "GB")),
    )
    for content, share in contents:
        yield Line(
            f"Streams kept, {content.name}",
            (
                _hours(workload, share),
                Factor(content.output_gb_per_h, "GB/h"),
                _usd(services.OBJECTS_USD_PER_GB, "GB"),
            ),
        )
    yield Line(
        "Streams sent",
        (
            Factor(workload.hours, "h"),
            Factor(measured.SEGMENTS_PER_H / 1000, "thousand objects/h"),
            _usd(services.PUTS_USD_PER_THOUSAND, "thousand"),
        ),
    )
    yield from _sheet_work(workload, _price(instance_of(stage.cpu_instance_types[0]), market))


def _sheet_work(workload: Workload, price: Factor) -> Iterator[Line]:
    thousands = Factor(workload.sheets / 1000, "thousand sheets")
    hours = Factor(1000 / measured.SHEETS_PER_S / 3600, "h/thousand")
    yield Line(SHEETS, (thousands, hours, price))
    jobs = math.ceil(workload.sheets / workload.sheets_a_job)
    yield Line(f"{SHEETS}, starting", (Factor(jobs, "jobs"), _starting(), price))
    yield Line(
        f"{SHEETS}, kept", (thousands, Factor(1000 * SHEET_GB, "GB/thousand"), _usd(services.OBJECTS_USD_PER_GB, "GB"))
    )
    yield Line(
        f"{SHEETS}, sent",
        (thousands, Factor(OBJECTS_A_SHEET, "objects/sheet"), _usd(services.PUTS_USD_PER_THOUSAND, "thousand")),
    )


def _fixed(stage: Stage) -> Iterator[Line]:
    month = Factor(services.HOURS_A_MONTH, "h")
    zones = Factor(stage.database_zones, "zones")
    postgres = services.POSTGRES_USD_PER_H[stage.database_instance]
    yield Line(f"Postgres {stage.database_instance}", (month, zones, _usd(postgres, "h")))
    yield Line(
        "Postgres, disk",
        (Factor(stage.database_gb, "GB"), zones, _usd(services.POSTGRES_USD_PER_GB, "GB")),
    )
    cache = services.CACHE_USD_PER_H[stage.cache_node]
    yield Line(f"Valkey {stage.cache_node}", (month, Factor(stage.cache_nodes, "nodes"), _usd(cache, "h")))
    for task in stage.tasks:
        an_hour = task.vcpus * services.FARGATE_USD_PER_VCPU_H + task.memory_gib * services.FARGATE_USD_PER_GIB_H
        size = f"{task.vcpus:g} vCPU, {task.memory_gib:g} GiB"
        yield Line(f"Fargate, {task.name} ({size})", (month, Factor(task.count, "tasks"), _usd(an_hour, "h")))
    yield Line("Load balancer", (month, _usd(services.BALANCER_USD_PER_H, "h")))
    yield Line(
        "Public addresses",
        (month, Factor(stage.public_addresses, "addresses"), _usd(services.PUBLIC_ADDRESS_USD_PER_H, "h")),
    )
    yield Line(
        "Endpoints of AWS services",
        (
            month,
            Factor(stage.endpoints, "services"),
            Factor(stage.endpoint_zones, "zones"),
            _usd(services.ENDPOINT_USD_PER_H, "h"),
        ),
    )
    yield Line("Secrets", (Factor(stage.secrets, "secrets"), _usd(services.SECRET_USD, "secret")))
    yield Line("CloudWatch, metrics", (Factor(METRICS, "metrics"), _usd(services.METRIC_USD, "metric")))
    yield Line("Keys", (Factor(stage.keys, "keys"), _usd(services.KEY_USD, "key")))
    yield Line("CloudWatch, alarms", (Factor(ALARM_METRICS, "metrics"), _usd(services.ALARM_METRIC_USD, "metric")))
    yield Line("CloudWatch, dashboard", (Factor(1, "page"), _usd(services.DASHBOARD_USD, "page")))
    yield Line("CloudWatch, logs", (Factor(LOG_GB, "GB"), _usd(services.LOGS_USD_PER_GB, "GB")))


def _hours(workload: Workload, share: float) -> Factor:
    return Factor(workload.hours * share, "h")


def _machine_time(content: Content, machine: Instance) -> Factor:
    return Factor(1 / measured.real_time_factor(content, vcpus=machine.vcpus), "machine h/h")


def _starting() -> Factor:
    return Factor(STARTING_S / 3600, "h to start")


def _price(machine: Instance, market: Market) -> Factor:
    return _usd(machine.usd_per_h(market), "h")


def _usd(value: float, per: str) -> Factor:
    return Factor(value, per, is_usd=True)
