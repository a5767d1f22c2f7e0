"""Fit the classical engine's table: `python -m training.fit_classical --seed 1` writes it to jobs/omr/marks."""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.classical import KINDS, TABLE, Table, expanded, weighed
from jobs.omr.marks.features import FEATURES, features_of
from training.mark_data import sheet_bubbles

TRAINING_SHEETS, TEST_SHEETS = 500, 120
STEPS, RATE = 400, 0.05
# Keeps weights of terms that drawn sheets say little about near zero.
SHRINKAGE = 1e-5

Floats = NDArray[np.float32]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, default=TABLE)
    given = asked.parse_args()
    features, kinds, shares = _drawn(given.seed * 10, TRAINING_SHEETS)
    table = _fitted(features, kinds, shares)
    features, kinds, shares = _drawn(given.seed * 10 + 1, TEST_SHEETS)
    found = weighed(expanded(features, table), table.weights)
    likely = found[np.arange(len(kinds)), kinds]
    metrics = {
        "log_loss": round(float(-np.average(np.log(np.maximum(likely, 1e-9)), weights=shares)), 4),
        "right": round(float(np.average(found.argmax(axis=1) == kinds, weights=shares)), 4),
    }
    stored = {
        "version": 1,
        "source": f"{TRAINING_SHEETS} drawn and degraded sheets; no real sheet",
        "retrain": f"python -m training.fit_classical --seed {given.seed}",
        "held_out": metrics,
        "features": list(FEATURES),
        "kinds": list(KINDS),
        "centre": _rounded(table.centre),
        "spread": _rounded(table.spread),
        "weights": _rounded(table.weights),
    }
    given.out.write_text(json.dumps(stored) + "\n")
    print(metrics)


def _drawn(seed: int, sheets: int) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Features, kinds and weights of the bubbles of so many sheets, drawn as for the network."""
    parts = []
    for number in range(sheets):
        drawn = sheet_bubbles(seed, number)
        parts.append((features_of(drawn.patches), drawn.states, drawn.weights))
    features, kinds, shares = zip(*parts, strict=True)
    return np.concatenate(features), np.concatenate(kinds), np.concatenate(shares)


def _fitted(features: Floats, kinds: NDArray[np.int64], shares: Floats) -> Table:
    """Least weighted log loss, by Adam over all bubbles at once: no randomness beyond the drawing."""
    centre = np.average(features, axis=0, weights=shares).astype(np.float32)
    spread = np.maximum(features.std(axis=0), 1e-6).astype(np.float32)
    terms = expanded(features, Table(centre, spread, np.zeros((0, 0), np.float32)))
    truth = np.eye(len(KINDS), dtype=np.float32)[kinds]
    each = (shares / shares.sum())[:, None].astype(np.float32)
    weights = np.zeros((terms.shape[1], len(KINDS)), dtype=np.float32)
    speed, power = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        slope = terms.T @ ((weighed(terms, weights) - truth) * each) + SHRINKAGE * weights
        speed = 0.9 * speed + 0.1 * slope
        power = 0.999 * power + 0.001 * slope * slope
        rate = RATE * (1 - step / (STEPS + 1))
        weights -= rate * (speed / (1 - 0.9**step)) / (np.sqrt(power / (1 - 0.999**step)) + 1e-8)
    return Table(centre, spread, weights)


def _rounded(values: Floats) -> object:
    return np.round(values.astype(np.float64), 4).tolist()


if __name__ == "__main__":
    main()
