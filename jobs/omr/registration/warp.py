"""The smooth bend of a whole page: what units of bubbles have in common, and what those that slipped do not follow."""

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points

# Bends are held back by so much of the weight of all that was seen, slopes hardly.
BEND_PRIOR, SLOPE_PRIOR = 2e-2, 1e-3
# Displacements that contradict are weighed down, by so many pitches off the usual one and then off the bend (Tukey).
FIRST_SCALE = 0.6
SCALES = (0.6, 0.35, 0.35)


def smooth_warp(nodes: Points, steps: Points, weights: NDArray[np.float64], *, pitch: float, points: Points) -> Points:
    """(m, 2) at `points`: the quadratic bend that most of the displacements `steps` (g, 2) at `nodes` agree on."""
    if not weights.any():
        return np.zeros_like(points)
    middle, size = nodes.mean(axis=0), max(float(np.ptp(nodes, axis=0).max()), pitch)
    rows = _terms((nodes - middle) / size)
    usual = _median(steps, weights)
    kept: NDArray[np.floating] = _agreeing(weights, np.hypot(*(steps - usual).T) / pitch, FIRST_SCALE)
    prior = np.diag([1e-6, SLOPE_PRIOR, SLOPE_PRIOR, *[BEND_PRIOR] * 3]) * float(weights.sum())
    found: NDArray[np.floating] = np.zeros((6, 2))
    for scale in SCALES:
        found = np.linalg.solve(rows.T @ (kept[:, None] * rows) + prior, rows.T @ (kept[:, None] * steps))
        kept = _agreeing(weights, np.hypot(*(rows @ found - steps).T) / pitch, scale)
    return np.asarray(_terms((points - middle) / size) @ found)


def _agreeing(weights: NDArray[np.float64], off: NDArray[np.floating], scale: float) -> NDArray[np.floating]:
    return np.asarray(weights * np.clip(1 - (off / (2 * scale)) ** 2, 0, 1) ** 2 + 1e-6)


def _median(steps: Points, weights: NDArray[np.float64]) -> Points:
    """(2,) along each axis, by weight: a least-squares start would follow blocks that slipped."""
    order = np.argsort(steps, axis=0)
    below = np.cumsum(weights[order], axis=0)
    middle = (below < below[-1] / 2).sum(axis=0)
    return np.asarray(np.take_along_axis(steps, np.take_along_axis(order, middle[None], axis=0), axis=0)[0])


def _terms(places: Points) -> NDArray[np.float64]:
    x, y = places.T
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
