"""Fit the classical engine's table: `python -m training.fit_classical --seed 1` writes it to jobs/omr/marks."""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.classical import KINDS, TABLE, Table, kinds_of, softmax, standardised, with_hidden
from jobs.omr.marks.features import FEATURES, features_of
from training.mark_data import FAINT_EVERY, faint_sheet_bubbles, sheet_bubbles, sheets_of

TRAINING_SHEETS, TEST_SHEETS = 900, 120
HIDDEN, EPOCHS, BATCH, RATE = 32, 30, 512, 6e-3
# Keeps weights that drawn sheets say little about near zero.
SHRINKAGE = 1e-5

Floats = NDArray[np.float32]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, default=TABLE)
    given = asked.parse_args()
    # Seeds of their own for either half of what is learnt from, and for what is held out.
    halves = [_drawn(seed, TRAINING_SHEETS // 2) for seed in (given.seed, given.seed + 2)]
    features, kinds, shares = (np.concatenate(parts) for parts in zip(*halves, strict=True))
    table = _fitted(features, kinds, shares, given.seed)
    features, kinds, shares = _drawn(given.seed + 1, TEST_SHEETS)
    found = kinds_of(features, table)
    likely = found[np.arange(len(kinds)), kinds]
    metrics = {
        "log_loss": round(float(-np.average(np.log(np.maximum(likely, 1e-9)), weights=shares)), 4),
        "right": round(float(np.average(found.argmax(axis=1) == kinds, weights=shares)), 4),
    }
    stored = {
        "version": 2,
        "source": f"{2 * sheets_of(TRAINING_SHEETS // 2)} drawn and degraded sheets; no real sheet",
        "retrain": f"python -m training.fit_classical --seed {given.seed}",
        "held_out": metrics,
        "features": list(FEATURES),
        "kinds": list(KINDS),
        "centre": _rounded(table.centre),
        "spread": _rounded(table.spread),
        "into": _rounded(table.into),
        "out": _rounded(table.out),
    }
    given.out.write_text(json.dumps(stored) + "\n")
    print(metrics)


def _drawn(seed: int, sheets: int) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Features, kinds and weights of the bubbles of so many sheets, drawn as for the network."""
    parts = []
    for draw, count in ((sheet_bubbles, sheets), (faint_sheet_bubbles, sheets // FAINT_EVERY)):
        for number in range(count):
            drawn = draw(seed, number)
            parts.append((features_of(drawn.patches), drawn.states, drawn.weights))
    features, kinds, shares = zip(*parts, strict=True)
    return np.concatenate(features), np.concatenate(kinds), np.concatenate(shares)


def _fitted(features: Floats, kinds: NDArray[np.int64], shares: Floats, seed: int) -> Table:
    """Least weighted log loss, by Adam over shuffled batches."""
    rng = np.random.default_rng(seed)
    centre = np.average(features, axis=0, weights=shares).astype(np.float32)
    spread = np.maximum(features.std(axis=0), 1e-6).astype(np.float32)
    standard = standardised(features, centre, spread)
    truth = np.eye(len(KINDS), dtype=np.float32)[kinds]
    each = (shares / shares.mean())[:, None].astype(np.float32)
    inputs = standard.shape[1]
    into = rng.normal(0, 0.3, (inputs, HIDDEN)).astype(np.float32)
    out = np.zeros((HIDDEN + inputs, len(KINDS)), dtype=np.float32)
    moves = _Adam(into), _Adam(out)
    batches = len(kinds) // BATCH
    for epoch in range(EPOCHS):
        order = rng.permutation(len(kinds))
        for number in range(batches):
            some = order[number * BATCH : (number + 1) * BATCH]
            hidden = with_hidden(standard[some], into)
            off = (softmax(hidden @ out) - truth[some]) * each[some] / BATCH
            bent = (off @ out[:HIDDEN].T) * (1 - hidden[:, :HIDDEN] ** 2)
            rate = RATE * (1 - (epoch * batches + number) / (EPOCHS * batches))
            for move, slope in zip(moves, (standard[some].T @ bent, hidden.T @ off), strict=True):
                move(slope, rate)
    return Table(centre, spread, into, out)


class _Adam:
    """Moves weights in place (Kingma and Ba, 2015)."""

    def __init__(self, weights: Floats) -> None:
        self._weights = weights
        self._speed, self._power = np.zeros_like(weights), np.zeros_like(weights)
        self._step = 0

    def __call__(self, slope: Floats, rate: float) -> None:
        self._step += 1
        slope = slope + SHRINKAGE * self._weights
        self._speed += 0.1 * (slope - self._speed)
        self._power += 0.001 * (slope * slope - self._power)
        speed, power = self._speed / (1 - 0.9**self._step), self._power / (1 - 0.999**self._step)
        self._weights -= rate * speed / (np.sqrt(power) + 1e-8)


def _rounded(values: Floats) -> object:
    return np.round(values.astype(np.float64), 4).tolist()


if __name__ == "__main__":
    main()
