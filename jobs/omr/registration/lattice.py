"""How well a form's bubbles agree with what is printed, and by how much they would have to be moved."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points, moved
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.evidence import Ink, InkAtScale, scaling

# Response of a printed bubble to the filter below, in units of full ink; more (a filled one) counts ever less.
ENOUGH_RESPONSE = 0.28
# Half widths of the filter's boxes, in half bubbles: the bubble with its outline, its inside, and the paper around.
OUTLINE, INSIDE, AROUND = 1.15, 0.6, 1.75
RING_SHARE = 0.7
# The round filter: width of the outline, what a mark inside counts, and where paper is expected, in half bubbles.
LINE = 0.2
MARK_SHARE = 0.15
OUTSIDE = (1.3, 1.6)

Height = TypeVar("Height", bound=np.generic)
Filter = Callable[[Ink, Canvas, Layout, float], NDArray[np.float32]]


@dataclass(frozen=True)
class Seen:
    """(g, 2) displacements of groups of bubbles in canvas pixels, and (g,) how strongly each was seen, 0 to 1."""

    displacements: Points
    strengths: NDArray[np.float64]


def contrast(page: InkAtScale, homography: NDArray[np.float64], layout: Layout, shrink: int) -> float:
    """Ink on bubbles less ink on the paper between them, -1 to 1. Fast: a few thousand points are looked at."""
    points, weights = layout.probes
    if not len(points):
        return 0.0
    ink = page.level(shrink)
    columns, lines = moved(scaling(shrink) @ homography, points).astype(np.float32).T[..., None].copy()
    # The nearest pixel to each point; outside the page there is no ink.
    values = cv2.remap(ink, columns, lines, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    seen = np.asarray(values, np.float32).ravel() @ weights
    return float(seen) / 255 / max(1, int((weights > 0).sum()) // 13)


def response(ink: Ink, canvas: Canvas, layout: Layout, size: float) -> NDArray[np.float32]:
    """(h, w): high where a bubble's outline with or without a mark in it is centred, about 0 on paper and in text.

    `size` is how much larger than in the template bubbles are printed.
    """
    half = np.array(layout.half_size) * canvas.px_per_unit * size
    (outline, a), (inside, i), (around, s) = (_box(ink, half * size) for size in (OUTLINE, INSIDE, AROUND))
    # RING_SHARE * ring + (1 - RING_SHARE) * inside - outside, where ring = (a * outline - i * inside) / (a - i) and
    # outside = (s * around - a * outline) / (s - a), worked out for each of the three boxes.
    of_outline = RING_SHARE * a / (a - i) + a / (s - a)
    of_inside = 1 - RING_SHARE - RING_SHARE * i / (a - i)
    seen = cv2.addWeighted(outline, of_outline / 255, inside, of_inside / 255, 0)
    seen = np.asarray(cv2.scaleAdd(around, -s / (s - a) / 255, seen), np.float32)
    return np.asarray(cv2.divide(seen, 1 + np.abs(seen) / ENOUGH_RESPONSE), np.float32)


def outlines(ink: Ink, canvas: Canvas, layout: Layout, size: float) -> NDArray[np.float32]:
    """As `response`, with a filter of the outline's own round shape: slower, and sharper where bubbles nearly touch."""
    half = np.array(layout.half_size) * canvas.px_per_unit * size
    reach = np.ceil(half * OUTSIDE[1]).astype(int)
    x, y = np.meshgrid(np.arange(-reach[0], reach[0] + 1) / half[0], np.arange(-reach[1], reach[1] + 1) / half[1])
    radius = np.hypot(x, y)
    line = np.exp(-(((radius - 1) / LINE) ** 2))
    inside = (radius < INSIDE).astype(np.float64)
    outside = ((radius > OUTSIDE[0]) & (radius < OUTSIDE[1])).astype(np.float64)
    kernel = (1 - MARK_SHARE) * line / line.sum() + MARK_SHARE * inside / inside.sum() - outside / outside.sum()
    seen = cv2.filter2D(ink, cv2.CV_32F, (kernel / 255).astype(np.float32), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(seen / (1 + np.abs(seen) / ENOUGH_RESPONSE), np.float32)


def best_shift(seen: NDArray[np.float32], points: Points, reach: int, *, tilt: float = 0.0) -> tuple[Points, float]:
    """The shift of all points, up to `reach` pixels each way, under which `seen` is highest; and that mean height.

    `tilt` is what a shift by the whole reach has to gain, as a share of the height.
    """
    return highest(windows(seen, points, reach).mean(axis=0), tilt=tilt)


def highest(heights: NDArray[np.float32], *, tilt: float) -> tuple[Points, float]:
    """As `best_shift`, of (2 reach + 1, 2 reach + 1) mean heights that are known."""
    reach = len(heights) // 2
    steps = np.arange(-reach, reach + 1)
    far = np.hypot(*np.meshgrid(steps, steps)) / max(reach, 1)
    judged = heights - tilt * far * max(float(heights.max()), 0.0)
    row, column = np.unravel_index(int(judged.argmax()), judged.shape)
    return np.array([column - reach, row - reach], np.float64), float(heights[row, column])


def measured(seen: NDArray[np.float32], points: Points, groups: NDArray[np.int32], *, reach: int) -> Seen:
    """Where each group's bubbles are best seen together, to a fraction of a pixel; a group's bubbles are in one row."""
    around = windows(seen, points, reach)
    side = 2 * reach + 1
    counts = np.bincount(groups)
    starts = np.searchsorted(groups, np.arange(len(counts)))
    total = np.add.reduceat(around.reshape(len(points), -1), starts, axis=0)
    heights = (total / counts[:, None]).reshape(-1, side, side)
    peak = heights.reshape(len(counts), -1).argmax(axis=1)
    rows, columns = np.clip(np.divmod(peak, side), 1, side - 2)
    each = np.arange(len(counts))
    dx = _fraction(*(heights[each, rows, columns + step] for step in (-1, 0, 1)))
    dy = _fraction(*(heights[each, rows + step, columns] for step in (-1, 0, 1)))
    found = np.stack([columns - reach + dx, rows - reach + dy], axis=1).astype(np.float64)
    rounded = np.round(points) - points
    found += np.stack([np.bincount(groups, rounded[:, axis]) / counts for axis in (0, 1)], axis=1)
    strengths = np.clip(heights.reshape(len(counts), -1).max(axis=1) / (0.5 * ENOUGH_RESPONSE), 0, 1)
    return Seen(found, strengths.astype(np.float64))


def _fraction(
    before: NDArray[np.float32], peak: NDArray[np.float32], after: NDArray[np.float32]
) -> NDArray[np.float32]:
    bend = before - 2 * peak + after
    shift = 0.5 * (before - after) / np.where(np.abs(bend) < 1e-6, -1e-6, bend)
    return np.clip(shift, -1, 1)


def windows(seen: NDArray[Height], points: Points, reach: int) -> NDArray[Height]:
    """(n, 2 reach + 1, 2 reach + 1) around each point, 0 outside the map."""
    far = np.array(seen.shape[::-1]) - 1
    middles = np.clip(np.round(points), 0, far).astype(np.intp)
    # A canvas has a margin: most often every window is inside, and copying the map can be spared.
    if (middles < reach).any() or (middles > far - reach).any():
        seen = np.pad(seen, reach)
        middles += reach
    view = np.lib.stride_tricks.sliding_window_view(seen, (2 * reach + 1, 2 * reach + 1))
    columns, rows = middles.T - reach
    found: NDArray[Height] = view[rows, columns]
    return found


def _box(ink: Ink, half: NDArray[np.float64]) -> tuple[NDArray[np.float32], int]:
    """The mean in a box around each pixel, and the box's area."""
    width, height = (2 * max(0, round(float(side) - 0.5)) + 1 for side in half)
    mean = cv2.boxFilter(ink, cv2.CV_32F, (width, height), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(mean, np.float32), width * height
