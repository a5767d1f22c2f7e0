"""From a coarse transform to the place of every bubble: shift, homography, then a smooth local field."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points, moved
from jobs.omr.registration.canvas import Canvas, flattened
from jobs.omr.registration.displacements import NONE, Displacements, robust
from jobs.omr.registration.evidence import Ink, InkAtScale
from jobs.omr.registration.lattice import Filter, Seen, best_shift, highest, measured, response, windows
from jobs.omr.registration.likeness import Likeness, likeness_on
from jobs.omr.registration.slips import NOT_ASKED, Slips, slips_of

# Displacements are looked for within this share of a pitch, so that a bubble never becomes its neighbour.
REACH_IN_PITCHES = 0.45
FIRST_REACH_IN_PITCHES = 1.4
# A shift to the next bubble has to be better than staying by this share.
SHIFT_PRIOR = 0.12
ROUNDS = 3
# Fits that agree less are not asked whether they lie a pitch off.
WORTH_A_LOOK = 0.6
# Groups that lie further than this many half bubbles off the smooth field contradict it.
AGREES_WITHIN = 0.4
# Below the first, there is nothing where a bubble should be; above the second, something is there for certain.
STRENGTH_SEEN, CLEARLY_SEEN = 0.15, 0.4
# A single bubble is seen if its response is this share of the usual one; below the second it is noise.
COVERED, FAINT = 0.35, 0.02
# A step that moves no bubble further than this, in half bubbles, is not taken: the local field says the same.
STILL = 0.1
# Blocks of at least so many bubbles may lie off as a whole, but by little more than half a pitch.
LEAST_OF_BLOCK = 8
BLOCK_REACH_IN_PITCHES = 0.6
LEAST_GROUPS_FOR_PERSPECTIVE = 10
# What a loose candidate is tried at, and with how many bubbles.
LOOSE_SCALES = (0.94, 1.0, 1.06)
LOOSE_SHEARS = (-0.09, -0.045, 0.0, 0.045, 0.09)
LOOSE_REACH_IN_PITCHES = 2.5
LOOSE_BUBBLES = 90


@dataclass(frozen=True)
class Fit:
    """`ink` is the canvas under `homography`, `places` (n, 2) are the bubbles' pixels on it, and `off` (n, 2) is what
    `local` says at each bubble's centre, frame units.

    `residual` is in half bubbles, root mean square over the groups that agree.

    `agreement` is the share of what was seen that agrees, `strength` how strongly bubbles were seen, both 0 to 1;
    `seen` is the number of groups that were clearly seen, `coverage` the share of single bubbles that were.
    """

    homography: NDArray[np.float64]
    ink: Ink
    places: Points
    local: Displacements
    off: Points
    residual: float
    agreement: float
    strength: float
    seen: int
    coverage: float = 0.0
    likeness: Likeness | None = None
    slips: Slips = NOT_ASKED

    @property
    def quality(self) -> float:
        """What candidates are compared by: agreement counts most, since a last page may hold little of the form."""
        return self.agreement**4 * (self.strength + 0.1)


@dataclass(frozen=True)
class View:
    """The page drawn flat by a homography from frame units to page pixels, and how well a bubble is seen everywhere."""

    homography: NDArray[np.float64]
    ink: Ink
    seen: NDArray[np.float32]


@dataclass(frozen=True)
class Looking:
    """How a page is looked at: bubbles are seen by `seeing`, at `size` times the template's, on `canvas`."""

    page: InkAtScale
    layout: Layout
    canvas: Canvas
    seeing: Filter
    size: float

    def view(self, homography: NDArray[np.float64]) -> View:
        ink = flattened(self.page, homography, self.canvas)
        return View(homography, ink, self.seeing(ink, self.canvas, self.layout, self.size))


def refine(looking: Looking, homography: NDArray[np.float64]) -> Fit:
    """`homography` may be off by a pitch or so."""
    layout, canvas = looking.layout, looking.canvas
    view = looking.view(homography)
    first_reach = max(2, int(FIRST_REACH_IN_PITCHES * layout.pitch * canvas.px_per_unit))
    shift, _ = best_shift(view.seen, canvas.points(layout.sample), first_reach, tilt=SHIFT_PRIOR)
    if not shift.any():
        return _followed(looking, view)
    return followed(looking, homography @ translation(shift / canvas.px_per_unit))


def followed(looking: Looking, homography: NDArray[np.float64]) -> Fit:
    """As `refine`, from a homography that is less than half a pitch off."""
    return _followed(looking, looking.view(homography))


def _followed(looking: Looking, view: View) -> Fit:
    layout, canvas = looking.layout, looking.canvas
    reach = max(3, int(REACH_IN_PITCHES * layout.pitch * canvas.px_per_unit))
    of_blocks = np.zeros_like(layout.centres)
    for round_ in range(ROUNDS + 1):
        if round_ == 1:
            of_blocks = block_shifts(view.seen, layout, canvas)
        points = canvas.points(layout.centres + of_blocks)
        found = measured(view.seen, points, layout.group_of_bubble, reach=reach)
        step = homography_between(layout.group_centres, found.displacements / canvas.px_per_unit, trust(found), layout)
        moves = np.hypot(*(moved(step, layout.group_centres) - layout.group_centres).T).max() / layout.radius
        if moves > STILL and round_ < ROUNDS:
            view = looking.view(view.homography @ step)
        elif round_:
            break
    fit = _judged(view, found, layout, canvas, of_blocks=of_blocks)
    fit = replace(fit, coverage=covered(view.seen, fit.places[:: layout.sample_step]))
    if fit.agreement < WORTH_A_LOOK:
        return fit
    likeness = likeness_on(fit.ink, fit.places, layout, canvas)
    return replace(fit, likeness=likeness, slips=slips_of(likeness, fit.places, layout, canvas))


def covered(seen: NDArray[np.float32], points: Points) -> float:
    """The share of single bubbles that are seen where they are taken to be: a lattice a column off has fewer."""
    inside = np.clip(np.round(points), 0, np.array(seen.shape[::-1]) - 1).astype(np.intp)
    heights = seen[inside[:, 1], inside[:, 0]]
    there = heights[heights > FAINT]
    return float((heights > COVERED * np.median(there)).mean()) if len(there) else 0.0


def loosened(page: InkAtScale, homography: NDArray[np.float64], layout: Layout, canvas: Canvas) -> NDArray[np.float64]:
    """The homography stretched, sheared and shifted about the bubbles' middle to where most of them are seen.

    For candidates that are too far off to be refined: a paper's corner that was taken for another's.
    """
    seen = response(flattened(page, homography, canvas), canvas, layout, 1.0)
    sample = canvas.points(layout.sample[:: max(1, len(layout.sample) // LOOSE_BUBBLES)])
    middle = sample.mean(axis=0)
    reach = int(LOOSE_REACH_IN_PITCHES * layout.pitch * canvas.px_per_unit)
    best, found = -np.inf, np.eye(3)
    for wide, high, across, down in product(LOOSE_SCALES, LOOSE_SCALES, LOOSE_SHEARS, LOOSE_SHEARS):
        linear = np.array([[wide, across], [down, high]])
        shift, height = best_shift(seen, (sample - middle) @ linear.T + middle, reach)
        if height > best:
            best = height
            found = np.eye(3)
            found[:2, :2], found[:2, 2] = linear, middle - linear @ middle + shift
    return np.asarray(homography @ canvas.to_frame @ found @ canvas.from_frame)


def trust(found: Seen) -> NDArray[np.float64]:
    """(g,) weights: what is hardly seen lies anywhere."""
    return np.asarray(np.clip(found.strengths - STRENGTH_SEEN, 0, 1))


def block_shifts(seen: NDArray[np.float32], layout: Layout, canvas: Canvas) -> Points:
    """(n, 2) frame units: how far each bubble's block lies off as a whole, which is at most a pitch."""
    shifts = np.zeros_like(layout.centres)
    reach = max(2, int(BLOCK_REACH_IN_PITCHES * layout.pitch * canvas.px_per_unit))
    around = windows(seen, canvas.points(layout.centres), reach)
    for members in layout.blocks:
        if LEAST_OF_BLOCK <= len(members) < len(around):
            shift, _ = highest(around[members].mean(axis=0), tilt=SHIFT_PRIOR)
            shifts[members] = shift / canvas.px_per_unit
    return shifts


def _judged(view: View, found: Seen, layout: Layout, canvas: Canvas, *, of_blocks: Points) -> Fit:
    values = found.displacements / canvas.px_per_unit + of_blocks[layout.first_of_group]
    tolerance = AGREES_WITHIN * layout.radius
    strengths = np.where(found.strengths > STRENGTH_SEEN, found.strengths, 0.0)
    if not strengths.any():
        nowhere = np.zeros_like(layout.centres)
        return Fit(view.homography, view.ink, canvas.points(layout.centres), NONE, nowhere, np.inf, 0.0, 0.0, 0)
    field = Displacements(layout.group_centres, values, strengths, layout.block_of_group)
    local = robust(field, tolerance=tolerance)
    off = np.hypot(*(values - local.at(layout.group_centres)).T)
    agree = off < tolerance
    weights = trust(found) * agree
    residual = float(np.sqrt(np.average(off**2, weights=weights))) if weights.any() else np.inf
    off_smoothly = local.at(layout.centres)
    return Fit(
        view.homography,
        view.ink,
        canvas.points(layout.centres + off_smoothly),
        local,
        off_smoothly,
        residual / layout.radius,
        agreement=float(weights.sum() / trust(found).sum()),
        strength=float(strengths.mean()),
        seen=int((found.strengths > CLEARLY_SEEN).sum()),
    )


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
    prior = np.diag([1e-3, 1e-3, 1e-6, 1e-3, 1e-3, 1e-6, 3e-3, 3e-3][:unknowns]) * len(points)
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


def translation(step: Points) -> NDArray[np.float64]:
    """(3, 3) that moves by `step` (2,)."""
    return np.array([[1, 0, step[0]], [0, 1, step[1]], [0, 0, 1]], np.float64)
