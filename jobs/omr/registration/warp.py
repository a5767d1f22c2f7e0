"""The smooth bend of a whole page: what units of bubbles have in common, and what those that slipped do not follow."""

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points

# Bends are held back by so much of the weight of all that was seen, slopes hardly.
BEND_PRIOR, SLOPE_PRIOR = 2e-2, 1e-3
# Displacements that contradict are weighed down, from so many to so many pitches (Tukey).
SCALES = (1.0, 0.6, 0.35, 0.35)


def smooth_warp(nodes: Points, steps: Points, weights: NDArray[np.float64], *, pitch: float, points: Points) -> Points:
    """(m, 2) at `points`: the quadratic bend that most of the displacements `steps` (g, 2) at `nodes` agree on."""
    if not weights.any():
        return np.zeros_like(points)
    middle, size = nodes.mean(axis=0), max(float(np.ptp(nodes, axis=0).max()), pitch)
    rows = _terms((nodes - middle) / size)
    kept: NDArray[np.floating] = weights
    prior = np.diag([1e-6, SLOPE_PRIOR, SLOPE_PRIOR, *[BEND_PRIOR] * 3]) * float(weights.sum())
    found: NDArray[np.floating] = np.zeros((6, 2))
    for scale in SCALES:
        found = np.linalg.solve(rows.T @ (kept[:, None] * rows) + prior, rows.T @ (kept[:, None] * steps))
        off = np.hypot(*(rows @ found - steps).T) / pitch
        kept = weights * np.clip(1 - (off / (2 * scale)) ** 2, 0, 1) ** 2 + 1e-6
    return np.asarray(_terms((points - middle) / size) @ found)


def _terms(places: Points) -> NDArray[np.float64]:
    x, y = places.T
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
