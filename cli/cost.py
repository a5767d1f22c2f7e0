"""`academy cost`: what a month would cost, with its arithmetic, beside the managed service's list price."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from cli.options import AsJson
from cli.output import RESULTS, print_json
from pipeline.costs import measured, prices, services
from pipeline.costs.month import SHEET_GB, SOURCE_GB_PER_H, STARTING_S, Factor, Line, Month, Workload, estimate
from pipeline.costs.sources import SOURCES
from pipeline.costs.stages import STAGES
from pipeline.settings import Settings

EPILOG = "Example: academy cost --hours 400 --sheets 30000 --stage prod"


def cost(
    *,
    hours: Annotated[float, typer.Option(min=0, help="Hours of video that are uploaded in a month.")] = 100.0,
    lectures: Annotated[float, typer.Option(min=0, max=1, help="Share of them that are slides or a board.")] = 0.9,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long one video is.")] = 50.0,
    sheets: Annotated[int, typer.Option(min=0, help="Answer sheets that are scanned in a month.")] = 10_000,
    stage: Annotated[Literal["dev", "prod"], typer.Option(help="Whose machines and services.")] = "dev",
    instance: Annotated[str, typer.Option(metavar="TYPE", help="What transcodes.")] = "g4dn.xlarge",
    market: Annotated[Literal["spot", "on_demand"], typer.Option(help="How it is paid.")] = "spot",
    explain: Annotated[bool, typer.Option("--explain", help="Also print where each price was read, and when.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what a month would cost, by what was measured and by list prices, and show the arithmetic.

    Needs no stack and no account: nothing is looked up, and each price has its date.
    """
    sheets_a_job = int(Settings.model_fields["omr_pages_per_job"].default)
    workload = Workload(hours, lectures, minutes_a_video=minutes, sheets=sheets, sheets_a_job=sheets_a_job)
    month = estimate(workload, STAGES[stage], instance=instance, market=market)
    if as_json:
        print_json(as_json_of(month))
        return
    RESULTS.print(Text(_title(workload, stage)))
    RESULTS.print()
    RESULTS.print(_lines("Work", month.work))
    RESULTS.print()
    RESULTS.print(_lines(f"There all month ({stage})", month.fixed))
    RESULTS.print()
    RESULTS.print(_comparison(month))
    RESULTS.print()
    for note in _notes(month):
        RESULTS.print(Text(f"- {note}"), style="dim")
    if explain:
        RESULTS.print()
        RESULTS.print(_sources())


def as_json_of(month: Month) -> dict[str, Any]:
    def shown(line: Line) -> dict[str, Any]:
        return {"name": line.name, "arithmetic": arithmetic(line), "usd": round(line.usd, 4)}

    return {
        "work": [shown(line) for line in month.work],
        "fixed": [shown(line) for line in month.fixed],
        "total_usd": round(month.total_usd, 2),
        "video_usd_per_source_hour": None if month.video_usd_per_h is None else round(month.video_usd_per_h, 4),
        "managed_usd": round(month.managed_usd, 2),
        "managed_usd_per_source_hour": services.MANAGED_USD_PER_SOURCE_H,
        "even_at_hours": None if month.even_at_hours is None else round(month.even_at_hours, 1),
        "notes": list(_notes(month)),
        "sources": [asdict(source) for source in SOURCES],
    }


def arithmetic(line: Line) -> str:
    return " \N{MULTIPLICATION SIGN} ".join(_factor(factor) for factor in line.factors)


def _factor(factor: Factor) -> str:
    if factor.is_usd:
        return f"${factor.value:.4g}/{factor.unit}"
    return f"{_number(factor.value)} {factor.unit.removesuffix('s') if factor.value == 1 else factor.unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def _title(workload: Workload, stage: str) -> str:
    return (
        f"A month of {workload.hours:g} h of video, {workload.lectures:.0%} lectures, {workload.minutes_a_video:g} min"
        f" each, and {workload.sheets:,} answer sheets, on {stage}:"
    )


def _lines(title: str, lines: tuple[Line, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column(title, overflow="fold")
    table.add_column("Arithmetic", overflow="fold")
    table.add_column("USD", justify="right", no_wrap=True)
    for line in lines:
        table.add_row(line.name, arithmetic(line), f"{line.usd:,.2f}")
    table.add_section()
    table.add_row("together", "", Text(f"{sum(line.usd for line in lines):,.2f}", style="bold"))
    return table


def _sources() -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("Price", overflow="fold", ratio=2)
    table.add_column("Read", overflow="fold", ratio=5)
    table.add_column("Dated", no_wrap=True)
    for source in SOURCES:
        remark = f"\n{source.remark}" if source.remark else ""
        table.add_row(", ".join(source.prices).lower(), Text(f"{source.said_by}{remark}"), source.dated)
    return table


def _comparison(month: Month) -> Table:
    hours, managed = month.workload.hours, services.MANAGED_USD_PER_SOURCE_H
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for name in ("Beside the managed service", "USD for an hour of source", "USD for the month"):
        table.add_column(name, justify="left" if name.startswith("Beside") else "right")
    own = sum(line.usd for line in month.fixed)
    each = month.video_usd_per_h
    if each is not None:
        table.add_row("this pipeline, videos only", f"{each:.3f}", f"{each * hours:,.2f}")
    table.add_row("this pipeline, everything above", "", f"{month.total_usd:,.2f}")
    table.add_row("managed service, videos only", f"about {managed:.2f}", f"{month.managed_usd:,.2f}")
    if each is not None:
        table.add_section()
        even = "never" if month.even_at_hours is None else f"from {month.even_at_hours:,.0f} h a month on"
        table.add_row(f"cheaper, with its fixed {own:,.2f}", even, "")
    return table


def _notes(month: Month) -> tuple[str, ...]:
    vcpus = month.instance.vcpus
    factors = " and ".join(
        f"{measured.real_time_factor(content, vcpus=vcpus):.1f}\N{MULTIPLICATION SIGN} real time for {content.name}"
        for content in (measured.LECTURE, measured.MOVING)
    )
    return (
        (
            f"Measured ({measured.AS_OF}, docs/benchmarks.md): {measured.LECTURE.cpu_s_per_s:g} and"
            f" {measured.MOVING.cpu_s_per_s:g} CPU s for a second of 1080p in five rungs, {measured.BUSY_SHARE:.0%} of"
            f" the vCPUs busy, so {factors} on {vcpus} vCPUs; {measured.SHEETS_PER_S:g} sheets a second."
            " With libx264 on CPUs: NVENC, which takes the encoding off them, was not there to measure."
        ),
        (
            "List prices, to be checked before you rely on one (--explain says where each was read):"
            f" machines {prices.AS_OF} ({prices.REGION}; other regions cost more, Seoul about a fifth), services"
            f" {services.AS_OF}, the managed service about ${services.MANAGED_USD_PER_SOURCE_H:.2f} for an hour of"
            " source in a like ladder."
        ),
        (
            "Assumed: Spot prices, 40 to 47 % of those on demand, since no list has them and they move by half"
            f" (--market on_demand counts without); {STARTING_S:.0f} s of a machine for each job to start and end, as"
            f" if none shared one; sources of {SOURCE_GB_PER_H:g} GB an hour; sources and streams kept for a month"
            f" (each further month costs that again); {SHEET_GB * 1000:g} MB for a sheet; what CloudWatch is given."
        ),
        (
            "Not in it: what viewers fetch (CDN, traffic), disks of machines while they run, images in ECR, backups"
            " beyond the free part, tax."
        ),
    )
