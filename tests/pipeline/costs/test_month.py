"""What a month costs: the arithmetic, and that its figures are those of docs/benchmarks.md."""

import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from pipeline.costs import measured, month, services
from pipeline.costs.measured import LECTURE, MOVING
from pipeline.costs.month import Month, Workload, estimate
from pipeline.costs.prices import INSTANCES, Instance
from pipeline.costs.sources import SOURCES
from pipeline.costs.stages import STAGES
from pipeline.errors import Invalid

BENCHMARKS = (Path(__file__).parents[3] / "docs" / "benchmarks.md").read_text(encoding="utf-8").splitlines()
NOTHING = Workload(hours=0, lectures=1, minutes_a_video=60, sheets=0, sheets_a_job=1000)
LECTURES = replace(NOTHING, hours=100)


def of(workload: Workload, stage: str = "dev", **more: str) -> Month:
    chosen = {"instance": "g4dn.xlarge", "market": "spot"} | more
    return estimate(workload, STAGES[stage], **chosen)  # type: ignore[arg-type]


def usd(lines: tuple[month.Line, ...], name: str) -> float:
    (line,) = (line for line in lines if line.name == name)
    return line.usd


def row(name: str) -> list[str]:
    """The cells of the table's one row that begins so."""
    (found,) = (line for line in BENCHMARKS if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_an_hour_of_lecture_is_its_cpu_time_on_the_vcpus_that_are_kept_busy():
    work = of(LECTURES).work
    busy_vcpus = 4 * measured.BUSY_CPU_S / (measured.BUSY_WALL_S * 2)
    assert usd(work, "Transcoding, lectures") == pytest.approx(100 * LECTURE.cpu_s_per_s / busy_vcpus * 0.22)
    assert usd(work, "Transcoding, starting") == pytest.approx(100 * 240 / 3600 * 0.22)
    assert usd(work, "Sources kept") == pytest.approx(100 * 1.8 * 0.023)
    gb_per_h = (sum(LECTURE.rungs_kbps) + 128) * 1000 * 3600 / 8 / 1e9
    assert usd(work, "Streams kept, lectures") == pytest.approx(100 * gb_per_h * 0.023)
    # A lecture of three hours is 16,740 objects.
    assert usd(work, "Streams sent") == pytest.approx(100 * 16_740 / 3 * 0.005 / 1000)
    assert not [line for line in work if "moving" in line.name], "no line of nothing"


def test_moving_pictures_on_demand_and_more_vcpus_change_what_they_should():
    lectures, moving = of(LECTURES), of(replace(LECTURES, lectures=0))
    slow, fast = usd(lectures.work, "Transcoding, lectures"), usd(moving.work, "Transcoding, moving")
    assert fast / slow == pytest.approx(MOVING.cpu_s_per_s / LECTURE.cpu_s_per_s)
    on_demand = of(LECTURES, market="on_demand")
    assert usd(on_demand.work, "Transcoding, lectures") / slow == pytest.approx(0.526 / 0.22)
    assert on_demand.fixed == lectures.fixed


def test_sheets_are_paid_by_the_time_of_one_process_by_the_job_and_by_what_is_kept():
    work = of(replace(NOTHING, sheets=2500)).work
    assert usd(work, month.SHEETS) == pytest.approx(2500 / measured.SHEETS_PER_S / 3600 * 0.034)
    assert usd(work, "Answer sheets, starting") == pytest.approx(3 * 240 / 3600 * 0.034)
    assert usd(work, "Answer sheets, kept") == pytest.approx(2.5 * 0.023)
    assert usd(work, "Answer sheets, sent") == pytest.approx(5 * 0.005)
    assert of(replace(LECTURES, sheets=2500)).video_usd_per_h == of(LECTURES).video_usd_per_h


def test_idle_costs_what_is_fixed_and_more_of_it_in_prod():
    dev, prod = of(NOTHING), of(NOTHING, "prod")
    assert dev.work == ()
    assert dev.total_usd == pytest.approx(sum(line.usd for line in dev.fixed))
    assert usd(dev.fixed, "Postgres t4g.small") == pytest.approx(730 * 0.032)
    assert usd(prod.fixed, "Postgres t4g.small") == pytest.approx(2 * 730 * 0.032)
    assert usd(dev.fixed, "Endpoints of AWS services") == pytest.approx(730 * 9 * 0.01)
    assert usd(prod.fixed, "Endpoints of AWS services") == pytest.approx(730 * 9 * 2 * 0.01)
    assert (dev.even_at_hours, dev.managed_usd, dev.video_usd_per_h) == (None, 0, None)


def test_from_its_even_point_on_the_pipeline_is_the_cheaper_one():
    even = of(LECTURES).even_at_hours
    assert even is not None
    for hours, is_cheaper in ((even - 2, False), (even + 2, True)):
        there = of(replace(LECTURES, hours=hours))
        assert (there.total_usd < there.managed_usd) is is_cheaper
    short = of(replace(LECTURES, minutes_a_video=0.1))
    assert short.video_usd_per_h is not None
    assert short.video_usd_per_h > services.MANAGED_USD_PER_SOURCE_H, "starting a machine for six seconds of video"
    assert short.even_at_hours is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"lectures": share} for share in (1.1, -0.1, math.nan)),
        *({"hours": hours} for hours in (-1, math.nan, math.inf, 1e308)),
        *({"sheets": sheets} for sheets in (-1, 10**40)),
        *({"minutes_a_video": minutes} for minutes in (0, math.nan, math.inf)),
        {"sheets_a_job": 0},
    ],
    ids=str,
)
def test_amounts_that_cannot_be_are_refused(wrong: dict[str, float]):
    with pytest.raises(Invalid):
        of(replace(LECTURES, **wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("instance", ["p4d.24xlarge", "c6i.large", ""])
def test_a_machine_that_the_stage_does_not_have_is_refused(instance: str):
    with pytest.raises(Invalid, match="instance_not_in_stage"):
        of(LECTURES, instance=instance)


def test_spot_prices_are_the_part_of_the_others_that_they_are_said_to_be():
    parts = [instance.spot_usd_per_h / instance.on_demand_usd_per_h for instance in INSTANCES.values()]
    assert (round(min(parts), 2), round(max(parts), 2)) == (0.40, 0.47)


def test_every_price_says_where_it_was_read():
    named = [name for source in SOURCES for name in source.prices]
    assert len(named) == len(set(named))
    used = {name for name in vars(services) if "USD" in name}
    assert set(named) == used | {field.name for field in fields(Instance) if "usd" in field.name}


@pytest.mark.parametrize("content", [LECTURE, MOVING])
def test_what_is_called_measured_stands_in_the_benchmarks(content: measured.Content):
    *_, first, second, third, fourth, fifth, _, cpu = row(content.row)
    rungs = tuple(int(cell.split()[0]) for cell in (first, second, third, fourth, fifth))
    assert (rungs, float(cpu.split()[0])) == (content.rungs_kbps, content.cpu_s_per_s)


def test_the_share_of_busy_cores_and_the_sheets_stand_in_the_benchmarks():
    assert ["ours", f"{measured.BUSY_WALL_S}", f"{measured.BUSY_CPU_S}"] in [
        [cell.strip() for cell in line.strip("|").split("|")][:3] for line in BENCHMARKS if line.startswith("| ours |")
    ]
    assert float(row(measured.SHEETS_ROW)[1]) == measured.SHEETS_PER_S
    assert [line for line in BENCHMARKS if line.startswith(f"| sends {measured.SEGMENTS_OF_3_H:,} segments on,")]
