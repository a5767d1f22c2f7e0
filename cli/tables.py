"""Rows as tables for people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from cli import figures
from cli.rows import Attempt, Job, PartAttempt, PlannedRung, Rendition, Speed, StepTime, Video
from cli.sentences import sentence
from pipeline.media.gpu import Ceiling, Engines

SHORT_ID: Final = 8
COLOURS: Final = {
    "READY": "green",
    "FAILED": "red",
    "PROCESSING": "cyan",
    "UPLOADED": "cyan",
    "PENDING": "yellow",
    "succeeded": "green",
    "failed": "red",
    "running": "cyan",
}


def state(word: str) -> Text:
    return Text(word, style=COLOURS.get(word, ""))


def videos(rows: Iterable[Video]) -> Table:
    table = _table("ID", "Title", "Status", ">Length", "Session", "Created", "Reason")
    now = datetime.now(UTC)
    for row in rows:
        table.add_row(
            row["id"][:SHORT_ID],
            Text(row["title"], overflow="ellipsis", no_wrap=True),
            state(row["status"]),
            figures.duration(row.get("duration")),
            row.get("session") or "",
            figures.age(row["created_at"], now=now),
            row.get("error_reason") or "",
        )
    return table


def jobs(rows: Iterable[Job]) -> Table:
    """Fits 80 columns with what is typed again, IDs and reason codes, whole."""
    table = _table("ID", "Kind", "Works on", "State", ">Try", ">Age", ">Took", "Reason")
    table.padding = (0, 1, 0, 0)
    *others, reason = table.columns
    for column in others:
        column.no_wrap = True
    reason.overflow = "fold"
    now = datetime.now(UTC)
    for row in rows:
        table.add_row(
            row["id"][:SHORT_ID],
            row["kind"],
            row["asset_id"][:SHORT_ID],
            state(row["state"]),
            str(row["attempt"]),
            figures.age(row["created_at"], now=now).removesuffix(" ago"),
            took(row.get("started_at"), row.get("ended_at")),
            row.get("reason") or "",
        )
    return table


def waiting_jobs(rows: Iterable[tuple[str, str, str, str, str]]) -> Table:
    """IDs, kinds, assets, states, and how long they wait."""
    table = _table("ID", "Kind", "Works on", "State", ">Waits")
    for identifier, kind, asset_id, word, waits in rows:
        table.add_row(identifier[:SHORT_ID], kind, asset_id[:SHORT_ID], state(word), waits)
    return table


def reasons(counts: Mapping[str, int]) -> Table:
    """How many failed why, the most frequent first."""
    table = _table("Reason", ">Jobs", "Means")
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(code, str(count), sentence(code))
    return table


def refusals(rows: Iterable[tuple[str, str, str]]) -> Table:
    table = _table("ID", "Refused", "Because")
    for identifier, code, detail in rows:
        table.add_row(identifier[:SHORT_ID], code, Text(detail))
    return table


def attempts(rows: Iterable[Attempt]) -> Table:
    table = _table(">Attempt", "Started", ">Took", "Ending", ">Exit", "Reason")
    for row in rows:
        exit_code = row.get("exit_code")
        table.add_row(
            str(row["attempt"]),
            figures.local_time(row["started_at"]),
            took(row["started_at"], row.get("ended_at")),
            row.get("ending") or "running",
            "" if exit_code is None else str(exit_code),
            " ".join(part for part in (row.get("reason"), row.get("detail")) if part),
        )
    return table


def parts(rows: Iterable[PartAttempt]) -> Table:
    """Attempts at parts, by part."""
    table = _table(">Part", ">Attempt", "Started", ">Took", "Ending", "Reason")
    for row in sorted(rows, key=lambda row: (row["part"], row["attempt"])):
        table.add_row(
            str(row["part"]),
            str(row["attempt"]),
            figures.local_time(row["started_at"]),
            took(row["started_at"], row.get("ended_at")),
            row.get("ending") or "running",
            " ".join(part for part in (row.get("reason"), row.get("detail")) if part),
        )
    return table


def renditions(rows: Iterable[Rendition]) -> Table:
    table = _table("Rendition", ">Size", ">Frames/s", ">Average", ">Peak", ">Segments", ">Bytes")
    for row in rows:
        table.add_row(
            row["name"],
            f"{row['width']}\N{MULTIPLICATION SIGN}{row['height']}",
            f"{row['frame_rate']:g}",
            figures.bitrate(row["average_bps"]),
            figures.bitrate(row["peak_bps"]),
            str(row["segments"]),
            figures.size(row["bytes"]),
        )
    return table


def planned_rungs(rows: Iterable[PlannedRung]) -> Table:
    table = _table("Rung", ">Size", ">Frames/s", ">At most", "", "Why")
    for row in rows:
        table.add_row(
            row["name"],
            f"{row['width']}\N{MULTIPLICATION SIGN}{row['height']}",
            f"{row['frame_rate']:g}",
            figures.bitrate(row["cap_bps"]),
            "kept" if row["kept"] else "dropped",
            Text(row["reason"]),
        )
    return table


def steps(rows: Sequence[StepTime]) -> Table:
    table = _table("Step", ">Time")
    for row in rows:
        table.add_row(row["name"], figures.duration(row["seconds"]))
    table.add_section()
    table.add_row("all steps", figures.duration(sum(row["seconds"] for row in rows)))
    return table


def ceilings(presets: Sequence[Ceiling], gpus: Sequence[Engines]) -> Table:
    """What NVENC encodes at most: a row for each preset, a column for each number of engines."""
    counts = sorted({engines.nvenc for engines in gpus if engines.nvenc})
    names = [", ".join(engines.gpu for engines in gpus if engines.nvenc == count) for count in counts]
    table = _table("NVENC preset", *(f">{name}" for name in names))
    for preset in presets:
        table.add_row(preset.preset, *(str(count * preset.fps) for count in counts))
    return table


def speeds(rows: Sequence[Speed], presets: Sequence[Ceiling]) -> Table:
    """Measured frames a second, beside what one engine does at most where that is known."""
    at_most = {("h264_nvenc", preset.preset): str(preset.fps) for preset in presets}
    table = _table("Work", "By", "Setting", ">Frames/s", ">One engine at most", "Problem")
    for row in rows:
        measured = "" if row["fps"] is None else f"{row['fps']:.0f}"
        limit = at_most.get((row["codec"], row["setting"]), "")
        table.add_row(row["work"], row["codec"], row["setting"], measured, limit, Text(row["problem"] or ""))
    return table


def fields(values: Mapping[str, Any]) -> Table:
    """Names and values, one a line; what has no value is left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        if value not in (None, ""):
            table.add_row(name, value if isinstance(value, Text) else Text(str(value)))
    return table


def reason(code: str | None, detail: str = "") -> str:
    """A reason with its sentence and its detail."""
    if not code:
        return ""
    return " ".join(part for part in (code, f"({sentence(code)})" if sentence(code) else "", detail) if part)


def took(started: str | None, ended: str | None) -> str:
    first, last = figures.moment(started), figures.moment(ended)
    return figures.duration((last - first).total_seconds()) if first and last else ""


def _table(*columns: str) -> Table:
    """A heading that starts with `>` is a column of numbers."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table
