"""Whether 0.9 means right nine times in ten: one temperature for the logits, and a reliability plot."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(3.0), 181))
BINS = np.array([0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0])


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def best_temperature(logits: Floats, states: NDArray[np.int64], weights: Floats) -> float:
    """By which (n, k) logits are divided so that held-out states are least surprising (Guo et al. 2017)."""

    def surprise(temperature: float) -> float:
        likely = softmax(logits / temperature)[np.arange(len(states)), states]
        return float(-(weights * np.log(np.maximum(likely, 1e-12))).sum() / weights.sum())

    return float(TEMPERATURES[int(np.argmin([surprise(float(each)) for each in TEMPERATURES]))])


def reliability(probabilities: Floats, states: NDArray[np.int64], weights: Floats) -> Floats:
    """(bins, 3): mean confidence, share right and weight of each bin of confidence that holds anything."""
    return table_of(probabilities.max(axis=1), probabilities.argmax(axis=1) == states, weights)


def table_of(confidence: Floats, right: NDArray[np.bool_], weights: Floats) -> Floats:
    """As `reliability`, of what was said with `confidence` (n,) and is right or not."""
    places = np.clip(np.digitize(confidence, BINS) - 1, 0, len(BINS) - 2)
    rows = []
    for place in range(len(BINS) - 1):
        members = places == place
        if members.any():
            of_bin = weights[members]
            rows.append(
                (
                    np.average(confidence[members], weights=of_bin),
                    np.average(right[members], weights=of_bin),
                    of_bin.sum(),
                )
            )
    return np.array(rows)


def expected_error(table: Floats) -> float:
    """Expected calibration error: how far confidence and truth are apart, by weight."""
    return float((np.abs(table[:, 0] - table[:, 1]) * table[:, 2]).sum() / table[:, 2].sum())


def plot_reliability(table: Floats, path: Path, title: str) -> None:
    from matplotlib import pyplot as plt  # noqa: PLC0415 - half a second that only the plot needs

    figure, axes = plt.subplots(figsize=(4.2, 4.0), dpi=90)
    axes.plot([0.4, 1], [0.4, 1], color="0.7", linewidth=1)
    axes.plot(table[:, 0], table[:, 1], marker="o", color="tab:blue")
    for confidence, right, weight in table:
        axes.annotate(f"{weight:.0f}", (confidence, right), textcoords="offset points", xytext=(4, -10), fontsize=6)
    axes.set(xlabel="confidence", ylabel="share right", title=title, xlim=(0.4, 1.01), ylim=(0.4, 1.01))
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
