"""Every unit of a form put in its place by its own size and pitch: slower than `refining`, and hardly ever half a
bubble off.

Units go where they are seen best, less what it costs to leave the bend that all of them share: of two places that look
alike the nearer is taken. What most of their tiles agree on is the page, then a smooth field follows each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points
from jobs.omr.registration.candidate import Candidate
from jobs.omr.registration.canvas import HALF_BUBBLE_PX, Canvas, canvas_of, flattened
from jobs.omr.registration.cells import unit_seen
from jobs.omr.registration.displacements import NONE, Displacements, robust
from jobs.omr.registration.evidence import Ink, InkAtScale
from jobs.omr.registration.refining import Fit, homography_between, translation
from jobs.omr.registration.seats import ANCHOR, REACH, UNSEEN
from jobs.omr.registration.warp import smooth_warp
from jobs.omr.units import Unit

# The smallest unit's bubbles are drawn at least as large as others' usually are, up to so many times.
MOST_ENLARGED = 2.0
# The form as a whole is looked for this far away, and tiles this far from their units, in pitches.
WHOLE_REACH, TILE_REACH = 1.4, 0.3
# What a pitch off the bend has to gain, as a share of the height, at first and at last; half a pitch costs a quarter
# of that.
FIRST_COST, LAST_COST = 0.4, 2.0
ROUNDS = 3
# Tiles that lie further than this many half bubbles off the smooth field contradict it.
AGREES_WITHIN = 0.4
# A single bubble is seen where it stands out so much, as a share of its unit's.
COVERED = 0.3


@dataclass(frozen=True)
class _Tiles:
    """Of g tiles `middles` and `steps` (g, 2) in frame units, `weights` and `units` (g,)."""

    middles: Points
    steps: Points
    weights: NDArray[np.float64]
    units: NDArray[np.int32]


def seated(page: InkAtScale, layout: Layout, homography: NDArray[np.float64], *, candidate: Candidate) -> Fit:
    """`homography` may be off by a pitch or so; what its candidate was made from has to agree with what becomes of it.

    The fit is on the canvas of `canvas_for_units`. Its agreement is the share of tiles that do, its strength how much
    bubbles stand out on average, and nothing is asked about slips.
    """
    canvas = canvas_for_units(layout)
    ink = flattened(page, homography, canvas)
    if not len(candidate.anchors):
        homography = homography @ translation(_shift_of_all(ink, layout, canvas))
        ink = flattened(page, homography, canvas)
    bend = np.zeros((len(layout.units), 2))
    middles = np.array([layout.centres[unit.bubbles].mean(axis=0) for unit in layout.units])
    for cost in np.linspace(FIRST_COST, LAST_COST, ROUNDS):
        seen = _held(_tiles(ink, layout, canvas, bend=bend, cost=float(cost)), candidate, homography)
        homography = homography @ homography_between(seen.middles, seen.steps, seen.weights, layout)
        ink = flattened(page, homography, canvas)
        seen = _held(_tiles(ink, layout, canvas, bend=0 * bend, cost=float(cost)), candidate, homography)
        bend = smooth_warp(seen.middles, seen.steps, seen.weights, pitch=layout.pitch, points=middles)
    return _judged(homography, ink, _tiles(ink, layout, canvas, bend=bend, cost=LAST_COST), layout, canvas)


def canvas_for_units(layout: Layout) -> Canvas:
    smallest = min(min(unit.half) for unit in layout.units)
    return canvas_of(layout, HALF_BUBBLE_PX * float(np.clip(layout.radius / smallest, 1, MOST_ENLARGED)))


def _held(tiles: _Tiles, candidate: Candidate, homography: NDArray[np.float64]) -> _Tiles:
    """The tiles and what the candidate was made from, which counts as much as a share of them."""
    steps = candidate.steps(homography)
    weights = np.full(len(steps), ANCHOR * float(tiles.weights.sum()))
    return _Tiles(
        np.concatenate([tiles.middles, candidate.anchors]),
        np.concatenate([tiles.steps, steps]),
        np.concatenate([tiles.weights, weights]),
        np.concatenate([tiles.units, np.full(len(steps), -1, np.int32)]),
    )


def _shift_of_all(ink: Ink, layout: Layout, canvas: Canvas) -> Points:
    """(2,) frame units: where all units together are seen best."""
    points = canvas.points(layout.centres)
    far = max(3, int(WHOLE_REACH * layout.pitch * canvas.px_per_unit))
    total = np.zeros((2 * far + 1, 2 * far + 1))
    for unit in layout.units:
        at = points[unit.bubbles]
        heights = unit_seen(ink, at, unit, canvas=canvas, reach=far).around(at, far).mean(axis=0)
        total += np.sqrt(len(at)) * heights / max(2 * UNSEEN, float(heights.max()))
    pitch = np.full(2, layout.pitch * canvas.px_per_unit)
    return np.asarray(_dearest(total, pitch, np.zeros(2), FIRST_COST) / canvas.px_per_unit)


def _dearest(heights: NDArray[np.floating], pitch: Points, middle: Points, cost: float) -> Points:
    """(2,) the shift in pixels with the greatest height less what it costs to leave `middle`."""
    reach = len(heights) // 2
    x, y = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    away = np.square((x - middle[0]) / pitch[0]) + np.square((y - middle[1]) / pitch[1])
    row, column = np.unravel_index(
        int((heights - cost * max(float(heights.max()), 0.0) * away).argmax()), heights.shape
    )
    return np.array([column - reach, row - reach], np.float64)


def _tiles(ink: Ink, layout: Layout, canvas: Canvas, *, bend: Points, cost: float) -> _Tiles:
    """`bend` (units, 2) is where units are expected, frame units."""
    points = canvas.points(layout.centres)
    middles, steps, weights, units = [], [], [], []
    for number, (unit, expected) in enumerate(zip(layout.units, bend * canvas.px_per_unit, strict=True)):
        pitch = unit.steps * canvas.px_per_unit
        reach = max(3, int(np.ceil(REACH * pitch.max() + np.abs(expected).max())))
        at = points[unit.bubbles]
        each = unit_seen(ink, at, unit, canvas=canvas, reach=reach).around(at, reach)
        heights = each.mean(axis=0)
        lowest = heights.min()
        step = _dearest(np.where(_within(reach, REACH * pitch, expected), heights, lowest), pitch, expected, cost)
        near = _within(reach, TILE_REACH * pitch, step)
        for tile in unit.tiles:
            of_tile = each[tile].mean(axis=0)
            row, column = np.unravel_index(int(np.where(near, of_tile, lowest - 1).argmax()), of_tile.shape)
            found = np.array([column - reach, row - reach]) + _fraction(of_tile, int(row), int(column))
            rounded = (np.round(at[tile]) - at[tile]).mean(axis=0)
            middles.append(layout.centres[unit.bubbles[tile]].mean(axis=0))
            steps.append((found + rounded) / canvas.px_per_unit)
            seen = max(0.0, float(of_tile[row, column]))
            weights.append(seen / (seen + 2 * UNSEEN) * np.sqrt(len(tile)))
            units.append(number)
    return _Tiles(np.array(middles), np.array(steps), np.array(weights), np.array(units, np.int32))


def _within(reach: int, limit: Points, middle: Points) -> NDArray[np.bool_]:
    steps = np.arange(-reach, reach + 1)
    x, y = (np.abs(steps - middle[axis]) <= max(1.0, limit[axis]) for axis in (0, 1))
    return np.asarray(x[None] & y[:, None])


def _fraction(heights: NDArray[np.floating], row: int, column: int) -> Points:
    """(2,) across and down, of a pixel: the top of a parabola through the highest place and its neighbours."""
    padded = np.pad(heights, 1, mode="edge")[row : row + 3, column : column + 3].astype(np.float64)
    bends = np.array([line[0] - 2 * line[1] + line[2] for line in (padded[1], padded[:, 1])])
    slopes = np.array([0.5 * (line[0] - line[2]) for line in (padded[1], padded[:, 1])])
    return np.asarray(np.clip(slopes / np.where(bends < -1e-6, bends, -np.inf), -0.5, 0.5))


def _judged(homography: NDArray[np.float64], ink: Ink, tiles: _Tiles, layout: Layout, canvas: Canvas) -> Fit:
    tolerance = AGREES_WITHIN * layout.radius
    field = Displacements(tiles.middles, tiles.steps, tiles.weights, tiles.units)
    local = robust(field, tolerance=tolerance) if tiles.weights.any() else NONE
    off = local.at(layout.centres)
    places = canvas.points(layout.centres + off)
    apart = np.hypot(*(tiles.steps - local.at(tiles.middles)).T)
    weights = tiles.weights * (apart < tolerance)
    residual = float(np.sqrt(np.average(apart**2, weights=weights))) if weights.any() else np.inf
    heights, covered = zip(*(_single(ink, places[unit.bubbles], unit, canvas) for unit in layout.units), strict=True)
    return Fit(
        homography,
        ink,
        places,
        local,
        off,
        residual / layout.radius,
        agreement=float(weights.sum() / max(tiles.weights.sum(), 1e-9)),
        strength=float(np.concatenate(heights).mean()),
        seen=len(tiles.weights),
        coverage=float(np.concatenate(covered).mean()),
    )


def _single(ink: Ink, at: Points, unit: Unit, canvas: Canvas) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(k,) how much each single bubble stands out within a pixel, and which are seen."""
    here = unit_seen(ink, at, unit, canvas=canvas, reach=1).around(at, 1).max(axis=(1, 2)).astype(np.float64)
    return here, here > COVERED * max(UNSEEN, float(np.median(here)))
