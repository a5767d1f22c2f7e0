"""Printed register marks in the picture: squares, rings, brackets, L marks, crosses, by their outline alone."""

from collections.abc import Callable
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
SPOTS_AT_ONCE = 64
MOST_SHORT_LABELS = 65_535
# Mark proportions; a square turned by 45 degrees fills half its box.
SQUARE_FILLS, SPARE_FILLS = 0.55, 0.62
MOST_ASPECT = 1.7


@dataclass(frozen=True)
class Spots:
    """Connected pieces of ink, n of them, in pixels of the map that they were found on.

    `boxes` (n, 4) are left, top, width, height; `labels` (h, w) has a piece's entry of `numbers` (n,) where it is.
    """

    boxes: NDArray[np.int32]
    areas: NDArray[np.int32]
    centroids: Points
    labels: NDArray[np.uint16 | np.int32]
    numbers: NDArray[np.intp]

    def pixels(self, index: int) -> NDArray[np.bool_]:
        left, top, width, height = self.boxes[index]
        return np.asarray(self.labels[top : top + height, left : left + width] == self.numbers[index])

    @cached_property
    def middles(self) -> Points:
        """(n, 2) of the boxes."""
        return np.asarray(self.boxes[:, :2] + (self.boxes[:, 2:] - 1) / 2)

    @cached_property
    def sides(self) -> NDArray[np.int32]:
        """(n,) the longer side."""
        return np.asarray(self.boxes[:, 2:].max(axis=1))

    @cached_property
    def fills(self) -> NDArray[np.float64]:
        """(n,) the share of its box that is ink."""
        return np.asarray(self.areas / self.boxes[:, 2:].prod(axis=1))

    @cached_property
    def leans(self) -> Points:
        """(n, 2) how far the ink's centre lies off the box's, in half boxes."""
        return np.asarray(2 * (self.centroids - self.middles) / self.boxes[:, 2:])


def spots_of(ink: Ink) -> Spots:
    """Compact pieces of ink of a mark's size, in the order of their topmost rows."""
    labels, stats, centroids = _labelled((ink > DARK).view(np.uint8))
    sides = stats[:, 2:4].max(axis=1)
    thin = stats[:, 2:4].min(axis=1)
    longest = max(ink.shape)
    fits = (sides >= max(LEAST_PX, SMALLEST * longest)) & (sides <= LARGEST * longest)
    fits &= sides <= MOST_ASPECT * thin
    fits[0] = False
    numbers = np.flatnonzero(fits)
    return Spots(
        boxes=stats[numbers, :4],
        areas=stats[numbers, 4],
        centroids=centroids[numbers],
        labels=labels,
        numbers=numbers,
    )


def _labelled(dark: NDArray[np.uint8]) -> tuple[NDArray[np.uint16 | np.int32], NDArray[np.int32], Points]:
    """Labels of sixteen bits take a third of the time of wider ones. They suffice where fewer runs of ink begin in the
    picture's rows: every piece of ink, and every part of one that is joined to it later, begins with a run of its own.
    """
    runs = cv2.countNonZero(dark[:, 0]) + cv2.countNonZero(cv2.subtract(dark[:, 1:], dark[:, :-1]))
    kind = cv2.CV_16U if runs < MOST_SHORT_LABELS else cv2.CV_32S
    _, labels, stats, centroids = cv2.connectedComponentsWithStats(dark, connectivity=8, ltype=kind)
    return np.asarray(labels), np.asarray(stats, np.int32), np.asarray(centroids, np.float64)


def marks_of(spots: Spots, kind: FiducialKind, size: tuple[int, int]) -> Points:
    """(m, 3) where marks of a kind may be, x, y and longer side: centres, outer corners of brackets and L marks."""
    match kind:
        case FiducialKind.RING | FiducialKind.MARKER_IMAGE:
            chosen = _rings(spots)
            places = spots.middles[chosen]
        case FiducialKind.BRACKET | FiducialKind.L_MARK:
            chosen = np.flatnonzero((spots.fills < SPARE_FILLS + 0.2) & (np.abs(spots.leans) > 0.1).all(axis=1))
            places = np.array([_outer_corner(spots, index) for index in chosen.tolist()]).reshape(-1, 2)
        case FiducialKind.CROSS:
            sparse = np.flatnonzero((spots.fills <= SPARE_FILLS) & (np.abs(spots.leans) <= 0.15).all(axis=1))
            chosen = _isolated(_those(sparse, lambda index: _is_cross(spots.pixels(index))), spots)
            places = spots.middles[chosen]
        case _:
            filled = _isolated(np.flatnonzero(spots.fills > SQUARE_FILLS), spots)
            chosen = _those(filled, lambda index: _is_box(spots.pixels(index), int(spots.areas[index])))
            places = spots.middles[chosen]
    return _spread(np.column_stack([places, spots.sides[chosen]]), size)


def _those(chosen: NDArray[np.intp], fits: Callable[[int], bool]) -> NDArray[np.intp]:
    return chosen[[fits(index) for index in chosen.tolist()]] if len(chosen) else chosen


def _is_box(pixels: NDArray[np.bool_], area: int) -> bool:
    outline, _ = cv2.findContours(pixels.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(outline, key=cv2.contourArea))
    (_, _), (width, height), _ = cv2.minAreaRect(hull)
    around = (width + 1) * (height + 1)
    return area / around > 0.76 and max(width, height) + 1 < MOST_ASPECT * (min(width, height) + 1)


def _rings(spots: Spots) -> NDArray[np.intp]:
    """Those whose middles smaller pieces of ink share, the largest first."""
    middles, sides = spots.middles, spots.sides
    found: list[int] = []
    for some in _portions(np.argsort(-sides)):
        off = np.hypot(*(middles[None] - middles[some, None]).transpose(2, 0, 1))
        within = (off < 0.12 * sides[some, None]) & (sides < 0.85 * sides[some, None])
        for index in some[within.any(axis=1)].tolist():
            if (np.hypot(*(middles[index] - middles[found]).T) > sides[index]).all():
                found.append(index)
    return np.array(found, np.intp)


def _is_cross(pixels: NDArray[np.bool_]) -> bool:
    rows, columns = pixels.mean(axis=1), pixels.mean(axis=0)
    quarter = len(rows) // 4, len(columns) // 4
    return bool(
        rows.max() > 0.8
        and columns.max() > 0.8
        and abs(int(rows.argmax()) - len(rows) / 2) <= max(1.5, quarter[0])
        and abs(int(columns.argmax()) - len(columns) / 2) <= max(1.5, quarter[1])
    )


def _outer_corner(spots: Spots, index: int) -> tuple[float, float]:
    """The corner of the box that the ink leans to; of its pixels the one furthest that way."""
    across, down = np.sign(spots.leans[index])
    ys, xs = np.nonzero(spots.pixels(index))
    best = int(np.argmax(across * xs + down * ys))
    left, top = spots.boxes[index, :2]
    return float(left + xs[best] + across / 2), float(top + ys[best] + down / 2)


def _isolated(chosen: NDArray[np.intp], spots: Spots) -> NDArray[np.intp]:
    """Register marks stand alone: no other piece of ink of their size beside them."""
    xs, ys = spots.middles.astype(np.float32).T
    sides = spots.sides.astype(np.float32)
    kept = []
    for some in _portions(chosen):
        reach = 1.3 * sides[some, None]
        # Pieces are in the order of their rows: those of a portion have their neighbours in a strip of the page.
        strip = (ys > (ys[some] - reach[:, 0]).min()) & (ys < (ys[some] + reach[:, 0]).max())
        x, y, side = xs[strip], ys[strip], sides[strip]
        near = (np.abs(x - xs[some, None]) < reach) & (np.abs(y - ys[some, None]) < reach)
        near &= side > 0.6 * sides[some, None]
        kept.append(some[np.count_nonzero(near, axis=1) <= 1])
    return np.concatenate(kept)


def _portions(chosen: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return np.split(chosen, range(SPOTS_AT_ONCE, len(chosen), SPOTS_AT_ONCE))


def _spread(points: Points, size: tuple[int, int]) -> Points:
    """The outermost ones, where there are too many: register marks stand around what they register."""
    if len(points) <= MOST_MARKS:
        return points
    off = np.abs(points[:, :2] - np.array(size) / 2) / np.array(size)
    return np.asarray(points[np.argsort(-off.sum(axis=1))[:MOST_MARKS]])
