"""From a coarse transform to the place of every bubble: shift, homography, then a smooth local field."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points, moved
from jobs.omr.registration.canvas import Canvas, flattened
from jobs.omr.registration.displacements import NONE, Displacements, robust
from jobs.omr.registration.evidence import InkAtScale
from jobs.omr.registration.lattice import Seen, best_shift, measured, response

# Displacements are looked for within this share of a pitch, so that a bubble never becomes its neighbour.
REACH_IN_PITCHES = 0.45
FIRST_REACH_IN_PITCHES = 1.4
# A shift to the next bubble has to be better than staying by this share.
SHIFT_PRIOR = 0.12
ROUNDS = 3
# Groups that lie further than this many half bubbles off the smooth field contradict it.
AGREES_WITHIN = 0.4
# Rows that gained less than this, in half bubbles, need no local field.
STRENGTH_SEEN = 0.12
LEAST_GROUPS_FOR_PERSPECTIVE = 10


@dataclass(frozen=True)
class Fit:
    """`residual` is in half bubbles, root mean square over the groups that agree; `agreement` and `strength` 0 to 1."""

    homography: NDArray[np.float64]
    local: Displacements
    residual: float
    agreement: float
    strength: float

    @property
    def quality(self) -> float:
        """What candidates are compared by."""
        return self.agreement * self.strength


def refine(page: InkAtScale, homography: NDArray[np.float64], layout: Layout, canvas: Canvas) -> Fit:
    """`homography` maps frame units to page pixels, and may be off by a pitch or so."""
    points = canvas.points(layout.centres)
    seen = response(flattened(page, homography, canvas), canvas, layout)
    pitch_px = layout.pitch * canvas.px_per_unit
    sample = canvas.points(layout.sample)
    shift, _ = best_shift(seen, sample, max(2, int(FIRST_REACH_IN_PITCHES * pitch_px)), tilt=SHIFT_PRIOR)
    homography = homography @ _translation(shift / canvas.px_per_unit)
    reach = max(3, int(REACH_IN_PITCHES * pitch_px))
    found = None
    for _ in range(ROUNDS):
        seen = response(flattened(page, homography, canvas), canvas, layout)
        found = measured(seen, points, layout.group_of_bubble, reach=reach)
        step = homography_between(layout.group_centres, found.displacements / canvas.px_per_unit, found.strengths, layout)
        homography = homography @ step
        still = np.hypot(*(moved(step, layout.group_centres) - layout.group_centres).T).max() / layout.radius
        if still < 0.1:
            break
    assert found is not None
    seen = response(flattened(page, homography, canvas), canvas, layout)
    found = measured(seen, points, layout.group_of_bubble, reach=reach)
    return _judged(homography, found, layout, canvas)


def _judged(homography: NDArray[np.float64], found: Seen, layout: Layout, canvas: Canvas) -> Fit:
    values = found.displacements / canvas.px_per_unit
    tolerance = AGREES_WITHIN * layout.radius
    strengths = np.where(found.strengths > STRENGTH_SEEN, found.strengths, 0.0)
    if not strengths.any():
        return Fit(homography, NONE, np.inf, 0.0, 0.0)
    local = robust(layout.group_centres, values, strengths, tolerance=tolerance)
    off = np.hypot(*(values - local.at(layout.group_centres)).T)
    agree = off < tolerance
    agreement = float(strengths[agree].sum() / strengths.sum())
    residual = float(np.sqrt(np.average(off[agree] ** 2, weights=strengths[agree]))) if strengths[agree].any() else np.inf
    return Fit(homography, local, residual / layout.radius, agreement, float(strengths.mean()))


def homography_between(
    points: Points, steps: Points, weights: NDArray[np.float64], layout: Layout
) -> NDArray[np.float64]:
    """(3, 3) that moves `points` by `steps` as well as it can, with contradicting ones weighed down.

    Perspective is held back by a prior, and left out where there are too few groups to tell it.
    """
    middle, size = points.mean(axis=0), max(float(np.ptp(points, axis=0).max()), layout.pitch)
    x, y = ((points - middle) / size).T
    u, v = ((points + steps - middle) / size).T
    one, nil = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, one, nil, nil, nil, -u * x, -u * y], axis=1),
            np.stack([nil, nil, nil, x, y, one, -v * x, -v * y], axis=1),
        ]
    )
    wanted = np.concatenate([u, v])
    unknowns = 8 if len(points) >= LEAST_GROUPS_FOR_PERSPECTIVE else 6
    rows = rows[:, :unknowns]
    prior = np.diag([1e-3, 1e-3, 1e-6, 1e-3, 1e-3, 1e-6, 3e-3, 3e-3][:unknowns]) * max(float(weights.sum()), 1e-9)
    start = np.array([1.0, 0, 0, 0, 1, 0, 0, 0][:unknowns])
    kept = weights
    found = start
    for scale in (2.0, 1.0, 0.5, 0.5):
        twice = np.concatenate([kept, kept])[:, None]
        found = np.linalg.solve(rows.T @ (twice * rows) + prior, rows.T @ (twice[:, 0] * wanted) + prior @ start)
        off = np.hypot(*((rows @ found - wanted).reshape(2, -1))) * size / layout.radius
        kept = weights * np.clip(1 - (off / (2 * scale)) ** 2, 0, 1) ** 2 + 1e-6
    a = np.concatenate([found, np.zeros(8 - unknowns), [1.0]]).reshape(3, 3)
    frame = np.array([[size, 0, middle[0]], [0, size, middle[1]], [0, 0, 1]])
    return np.asarray(frame @ a @ np.linalg.inv(frame))


def _translation(step: Points) -> NDArray[np.float64]:
    return np.array([[1, 0, step[0]], [0, 1, step[1]], [0, 0, 1]], np.float64)
