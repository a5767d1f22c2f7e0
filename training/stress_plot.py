"""The stress table as one picture: an axis a panel."""

from pathlib import Path
from typing import Any

COLOURS = {"classical": "tab:orange", "network": "tab:blue", "network checked by classical": "tab:green"}
COLUMNS = 4


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Share of questions exactly right (solid), wrong without a flag (dotted), and sheets refused (grey)."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - half a second that only the plot needs

    axes = list(dict.fromkeys(row["axis"] for row in rows))
    lines = -(-len(axes) // COLUMNS)
    figure, panels = plt.subplots(lines, COLUMNS, figsize=(12, 2.6 * lines), dpi=80, squeeze=False)
    for panel in panels.flat[len(axes) :]:
        panel.set_axis_off()
    for name, panel in zip(axes, panels.flat, strict=False):
        for way, colour in COLOURS.items():
            own = [row for row in rows if row["axis"] == name and row["way"] == way]
            places = range(len(own))
            if way != "network checked by classical":
                panel.plot(places, [row["right"] for row in own], color=colour, marker=".", label=f"{way}: right")
            panel.plot(
                places,
                [row["wrong_unflagged"] for row in own],
                color=colour,
                linestyle=":",
                label=f"{way}: wrong, not flagged",
            )
        most = max(row["refused_sheets"] for row in rows) or 1
        panel.fill_between(places, [row["refused_sheets"] / most for row in own], color="0.85", label="sheets refused")
        panel.set_xticks(list(places), [f"{row['strength']:g}" for row in own], fontsize=7)
        panel.set(title=name.replace("_", " "), ylim=(-0.03, 1.03))
        panel.tick_params(labelsize=7)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=8)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
