"""The page of `academy videos report`: plan, rates over time and quality of a stream. Pure: rows in, HTML out."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from cli import figures
from cli.rows import Video

PLOT_WIDTH: Final = 720
PLOT_HEIGHT: Final = 140
# Room for the labels of both axes.
LEFT: Final = 80
BELOW: Final = 22

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem }
th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid #ddd }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
.dropped { color: #888 }
svg { display: block; margin-bottom: 1rem } svg text { font-size: 12px; fill: #555 }
"""

Row = Mapping[str, Any]


def write_report(video: Video, outcome: Row) -> str:
    """A page that needs nothing else: no scripts, no addresses, and all text escaped."""
    renditions: Sequence[Row] = outcome["renditions"]
    plan: Row | None = outcome.get("plan")
    curves = {curve["name"]: curve for curve in outcome.get("rates") or ()}
    title = escape(video["title"])
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{title}</title><style>{STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        f"<p>{escape(video['id'])} · {figures.duration(outcome['duration_s'])}</p>",
        "<h2>Plan</h2>",
        *(_plan(plan) if plan is not None else ["<p>This stream was made before plans were recorded.</p>"]),
        "<h2>Rate over time</h2>",
    ]
    for rendition in renditions:
        parts.append(f"<h3>{escape(rendition['name'])}</h3>")
        curve = curves.get(rendition["name"])
        parts.append(draw_rate(curve, rendition) if curve is not None else "<p>Not recorded.</p>")
    return "\n".join([*parts, "<h2>Quality</h2>", *_quality(renditions), "</body></html>", ""])


def _plan(plan: Row) -> Iterable[str]:
    yield "<ul>"
    yield from (f"<li>{escape(reason)}</li>" for reason in plan["reasons"])
    yield "</ul>"
    yield "<table><tr><th>Rung</th><th>Size</th><th>Frames/s</th><th>At most</th><th>Why</th></tr>"
    for rung in plan["rungs"]:
        yield (
            f'<tr class="{"kept" if rung["kept"] else "dropped"}"><td>{escape(rung["name"])}</td>'
            f"<td>{rung['width']}\N{MULTIPLICATION SIGN}{rung['height']}</td><td>{rung['frame_rate']:g}</td>"
            f"<td>{figures.bitrate(rung['cap_bps'])}</td><td>{escape(rung['reason'])}</td></tr>"
        )
    yield "</table>"


def _quality(renditions: Sequence[Row]) -> Iterable[str]:
    names = ("Rung", "Encoder", "Preset", "Bits", "Average", "Peak", "VMAF mean", "VMAF worst 1 %")
    yield "<table><tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    for row in renditions:
        quality = row.get("quality") or {}
        cells = (
            row["name"],
            row.get("encoder") or "",
            row.get("preset") or "",
            f"{8 * row['bytes']:,}",
            figures.bitrate(row["average_bps"]),
            figures.bitrate(row["peak_bps"]),
            *(f"{quality[name]:.1f}" if name in quality else "not measured" for name in ("vmaf_mean", "vmaf_low")),
        )
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def draw_rate(curve: Row, rendition: Row) -> str:
    """Steps of the rate (bit/s) over the video's length, with a line at the average."""
    rates: Sequence[int] = curve["bps"]
    highest = max(*rates, rendition["average_bps"], 1)
    wide = PLOT_WIDTH / len(rates)

    def height_of(bps: float) -> float:
        return float(PLOT_HEIGHT * (1 - bps / highest))

    steps = " ".join(
        f"H{LEFT + number * wide:.1f}V{height_of(bps):.1f}H{LEFT + (number + 1) * wide:.1f}"
        for number, bps in enumerate(rates)
    )
    average = height_of(rendition["average_bps"])
    length = figures.duration(rendition["duration_s"])
    return (
        f'<svg width="{LEFT + PLOT_WIDTH}" height="{PLOT_HEIGHT + BELOW}" role="img" '
        f'aria-label="rate of {escape(rendition["name"])} over time">'
        f'<path d="M{LEFT} {PLOT_HEIGHT}{steps}V{PLOT_HEIGHT}Z" fill="#9bc1e6" stroke="#2b6cb0"/>'
        f'<path d="M{LEFT} {average:.1f}H{LEFT + PLOT_WIDTH}" stroke="#c05621" stroke-dasharray="4"/>'
        f'<text x="{LEFT - 6}" y="12" text-anchor="end">{figures.bitrate(highest)}</text>'
        f'<text x="{LEFT - 6}" y="{PLOT_HEIGHT}" text-anchor="end">0</text>'
        f'<text x="{LEFT}" y="{PLOT_HEIGHT + 16}">0</text>'
        f'<text x="{LEFT + PLOT_WIDTH}" y="{PLOT_HEIGHT + 16}" text-anchor="end">{length}</text></svg>'
    )
