"""Printed register marks in the picture: squares, rings, brackets, L marks, crosses, by their outline alone."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points
from jobs.omr.registration.evidence import Ink
from pipeline.answer_sheets.template import FiducialKind

DARK = 120
# A mark's longer side, as a share of the picture's.
SMALLEST, LARGEST = 0.004, 0.09
LEAST_PX = 4
MOST_MARKS = 48
# Each is compared with all others: bounded, as a page may be covered with spots.
SPOTS_AT_ONCE = 128
# Mark proportions; a square turned by 45 degrees fills half its box.
SQUARE_FILLS, SPARE_FILLS = 0.55, 0.62
MOST_ASPECT = 1.7


@dataclass(frozen=True)
class Spot:
    """One connected piece of ink; `box` is left, top, width, height, in pixels of the map it was found on.

    `labels` (h, w) has its `number` where it is: a page has a thousand pieces, of which a few are looked at closely.
    """

    box: tuple[int, int, int, int]
    area: int
    centroid: tuple[float, float]
    labels: NDArray[np.int32]
    number: int

    @cached_property
    def pixels(self) -> NDArray[np.bool_]:
        left, top, width, height = self.box
        return np.asarray(self.labels[top : top + height, left : left + width] == self.number)

    @property
    def middle(self) -> tuple[float, float]:
        left, top, width, height = self.box
        return left + (width - 1) / 2, top + (height - 1) / 2

    @property
    def side(self) -> int:
        return max(self.box[2], self.box[3])

    @property
    def fill(self) -> float:
        return self.area / (self.box[2] * self.box[3])

    @property
    def lean(self) -> tuple[float, float]:
        """How far the ink's centre lies off the box's, in half boxes."""
        middle = self.middle
        return (
            2 * (self.centroid[0] - middle[0]) / self.box[2],
            2 * (self.centroid[1] - middle[1]) / self.box[3],
        )


def spots_of(ink: Ink) -> list[Spot]:
    """Compact pieces of ink of a mark's size; the largest that are alike come first."""
    dark = (ink > DARK).astype(np.uint8)
    count, labels, stats, centroids = cv2.connectedComponentsWithStats(dark, connectivity=8)
    sides = stats[:, 2:4].max(axis=1)
    thin = stats[:, 2:4].min(axis=1)
    longest = max(ink.shape)
    fits = (sides >= max(LEAST_PX, SMALLEST * longest)) & (sides <= LARGEST * longest)
    fits &= sides <= MOST_ASPECT * thin
    fits[0] = False
    numbers = np.flatnonzero(fits[:count])
    boxes, middles = stats[numbers].tolist(), centroids[numbers].tolist()
    return [
        Spot((left, top, width, height), area, (x, y), np.asarray(labels, np.int32), number)
        for number, (left, top, width, height, area), (x, y) in zip(numbers.tolist(), boxes, middles, strict=True)
    ]


def marks_of(spots: list[Spot], kind: FiducialKind, size: tuple[int, int]) -> Points:
    """(m, 3) where marks of a kind may be, x, y and longer side: centres, outer corners of brackets and L marks."""
    match kind:
        case FiducialKind.RING | FiducialKind.MARKER_IMAGE:
            points = _rings(spots)
        case FiducialKind.BRACKET | FiducialKind.L_MARK:
            points = [(*_outer_corner(spot), spot.side) for spot in spots if _is_corner(spot)]
        case FiducialKind.CROSS:
            crosses = _isolated([spot for spot in spots if _is_cross(spot)], spots)
            points = [(*spot.middle, spot.side) for spot in crosses]
        case _:
            filled = _isolated([spot for spot in spots if spot.fill > SQUARE_FILLS], spots)
            points = [(*spot.middle, spot.side) for spot in filled if _is_box(spot)]
    return np.array(_spread(points, size), np.float64).reshape(-1, 3)


def _is_box(spot: Spot) -> bool:
    outline, _ = cv2.findContours(spot.pixels.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(outline, key=cv2.contourArea))
    (_, _), (width, height), _ = cv2.minAreaRect(hull)
    around = (width + 1) * (height + 1)
    return spot.area / around > 0.76 and max(width, height) + 1 < MOST_ASPECT * (min(width, height) + 1)


def _rings(spots: list[Spot]) -> list[tuple[float, float, float]]:
    """Middles that several pieces of ink share, the largest first."""
    if not spots:
        return []
    middles = np.array([spot.middle for spot in spots])
    sides = np.array([spot.side for spot in spots])
    found: list[tuple[float, float, float]] = []
    for index in np.argsort(-sides):
        off = np.hypot(*(middles - middles[index]).T)
        within = (off < 0.12 * sides[index]) & (sides < 0.85 * sides[index])
        if within.any() and all(np.hypot(*np.subtract(spots[index].middle, one[:2])) > sides[index] for one in found):
            found.append((*spots[index].middle, spots[index].side))
    return found


def _is_corner(spot: Spot) -> bool:
    across, down = spot.lean
    return spot.fill < SPARE_FILLS + 0.2 and abs(across) > 0.1 and abs(down) > 0.1


def _is_cross(spot: Spot) -> bool:
    across, down = spot.lean
    if spot.fill > SPARE_FILLS or abs(across) > 0.15 or abs(down) > 0.15:
        return False
    rows, columns = spot.pixels.mean(axis=1), spot.pixels.mean(axis=0)
    quarter = len(rows) // 4, len(columns) // 4
    return bool(
        rows.max() > 0.8
        and columns.max() > 0.8
        and abs(int(rows.argmax()) - len(rows) / 2) <= max(1.5, quarter[0])
        and abs(int(columns.argmax()) - len(columns) / 2) <= max(1.5, quarter[1])
    )


def _outer_corner(spot: Spot) -> tuple[float, float]:
    """The corner of the box that the ink leans to; of its pixels the one furthest that way."""
    across, down = spot.lean
    ys, xs = np.nonzero(spot.pixels)
    best = int(np.argmax(np.sign(across) * xs + np.sign(down) * ys))
    half = np.sign((across, down)) * 0.5
    return float(spot.box[0] + xs[best] + half[0]), float(spot.box[1] + ys[best] + half[1])


def _isolated(chosen: list[Spot], spots: list[Spot]) -> list[Spot]:
    """Register marks stand alone: no other piece of ink of their size beside them."""
    if not chosen:
        return []
    xs, ys = np.array([spot.middle for spot in spots], np.float32).T
    sides = np.array([spot.side for spot in spots], np.float32)
    kept = []
    for start in range(0, len(chosen), SPOTS_AT_ONCE):
        some = chosen[start : start + SPOTS_AT_ONCE]
        x, y, side = np.array([(*spot.middle, spot.side) for spot in some], np.float32).T[:, :, None]
        near = (np.abs(xs - x) < 1.3 * side) & (np.abs(ys - y) < 1.3 * side) & (sides > 0.6 * side)
        kept += [spot for spot, count in zip(some, near.sum(axis=1), strict=True) if count <= 1]
    return kept


def _spread(points: list[tuple[float, float, float]], size: tuple[int, int]) -> list[tuple[float, float, float]]:
    """The outermost ones, where there are too many: register marks stand around what they register."""
    if len(points) <= MOST_MARKS:
        return points
    off = np.abs(np.array(points)[:, :2] - np.array(size) / 2) / np.array(size)
    return [points[index] for index in np.argsort(-(off.sum(axis=1)))[:MOST_MARKS]]
