"""Whether a form lies a row or a column off: a lattice agrees with itself a pitch further, but for its rims.

A shift by a pitch uncovers the bubbles at one rim of each block and puts others on what stands beyond the opposite rim.
What decides is which of the two looks more like the form's other bubbles on the same page, which are bubbles under
either assumption.
"""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.evidence import Ink

# In pitches across and down; what lies two off is found one step after the other.
STEPS = tuple((across, down) for across, down in product((-1, 0, 1), repeat=2) if (across, down) != (0, 0))
# A rim's bubbles have to look so much more like the others than what stands beyond the opposite rim. Chosen on real
# sheets: there the difference is 0.16 to 0.64 where the form lies right (0.04 on pages that hold nearly nothing), and
# mostly -0.6 to -0.26 where it lies a pitch off.
CLEAR_DIFFERENCE = 0.1
# How far around a place a bubble is looked for, canvas pixels, and half the side of what is compared, in half bubbles.
AROUND_PX = 2
HALF_PATCH = 1.5
# So many bubbles tell what one looks like, and so many what a rim does.
MOST_LEARNT_FROM, MOST_OF_RIM = 240, 48
# A place with less ink than this, on average, 0 to 255, has no bubble printed; the palest share of others is empty.
PRINTED, EMPTY = 8.0, 0.6
LEAST_PRINTED = 8
# Where the ink varies less, in gray levels squared, there is nothing that could be like a bubble.
LEAST_VARIANCE = 0.25


@dataclass(frozen=True)
class Slips:
    """For each of STEPS how much more like bubbles the page is where the form would lie then, -1 to 1.

    Empty where the page holds too few bubbles to tell.
    """

    gains: dict[tuple[int, int], float]

    @property
    def best(self) -> tuple[tuple[int, int], float]:
        """The step that gains most, and its gain, which is below 0 where the form lies right."""
        return max(self.gains.items(), key=lambda one: one[1], default=((0, 0), -1.0))

    @property
    def lies_right(self) -> bool:
        """No step would be as good, as far as the page can tell."""
        return bool(self.gains) and self.best[1] < -CLEAR_DIFFERENCE


NOT_ASKED = Slips({})


def slips_of(ink: Ink, places: Points, layout: Layout, canvas: Canvas) -> Slips:
    """`places` (n, 2) are where the bubbles are taken to be, in pixels of the canvas that `ink` is."""
    half = np.array(layout.half_size) * canvas.px_per_unit
    reach = np.ceil(HALF_PATCH * half).astype(int)
    patterns = patterns_of(windows_at(ink, places[:: max(1, len(places) // MOST_LEARNT_FROM)], reach), half, reach)
    if not patterns:
        return NOT_ASKED
    asked: list[Points] = []
    for step in STEPS:
        lost, gained = layout.rims[step]
        beyond = places[gained] + np.array(step) * layout.pitches_of_bubble[gained] * canvas.px_per_unit
        asked += [_some(places[lost]), _some(beyond)]
    alike = likeness_of(windows_at(ink, np.concatenate(asked), reach + AROUND_PX), patterns)
    parts = np.split(alike, np.cumsum([len(part) for part in asked])[:-1])
    pairs = zip(STEPS, parts[::2], parts[1::2], strict=True)
    return Slips({step: float(beyond.mean() - rim.mean()) for step, rim, beyond in pairs if len(rim) and len(beyond)})


def _some(places: Points) -> Points:
    return places[:: -(-len(places) // MOST_OF_RIM)] if len(places) else places


def windows_at(ink: Ink, places: Points, reach: NDArray[np.int_]) -> NDArray[np.uint8]:
    """(n, 2 reach + 1 down, 2 reach + 1 across) around each place; outside the canvas there is no ink."""
    across, down = (int(each) for each in reach)
    padded = cv2.copyMakeBorder(ink, down, down, across, across, cv2.BORDER_CONSTANT, value=0)
    columns, rows = np.clip(np.round(places), 0, np.array(ink.shape[::-1]) - 1).astype(np.intp).T
    view = np.lib.stride_tricks.sliding_window_view(padded, (2 * down + 1, 2 * across + 1))
    return np.asarray(view[rows, columns])


def patterns_of(
    patches: NDArray[np.uint8], half: NDArray[np.float64], reach: NDArray[np.int_]
) -> list[NDArray[np.uint8]]:
    """The page's own empty bubble, and a filled one of the form's size; none where hardly any is printed."""
    ink = patches.mean(axis=(1, 2))
    patches, ink = patches[ink > PRINTED], ink[ink > PRINTED]
    if len(patches) < LEAST_PRINTED:
        return []
    palest = patches[np.argsort(ink)[: int(EMPTY * len(ink))]]
    # Medians of rows that lie together in memory: of columns they take three times as long.
    empty = np.median(np.ascontiguousarray(palest.transpose(1, 2, 0)), axis=2)
    x, y = (np.arange(-off, off + 1) / size for off, size in zip(reach, half, strict=True))
    full = 255 * np.clip((1.1 - np.hypot(x[None], y[:, None])) / 0.3, 0, 1)
    return [pattern.astype(np.uint8) for pattern in (empty, full)]


def likeness_of(windows: NDArray[np.uint8], patterns: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """(n,) 0 to 1: the best normalised correlation of each window with any of the patterns, at any place within it.

    Each place is a column of a matrix that picks its pixels out of a window, weighed by the pattern less its mean, so
    that one product is all correlations. Correlation does not ask for the light: each window's mean is taken off it, so
    that single precision is enough.
    """
    height, width = windows.shape[1:]
    pixels = windows.reshape(len(windows), -1).astype(np.float32)
    pixels -= pixels.mean(axis=1, keepdims=True)
    whole = np.ones_like(patterns[0], np.float32)
    centred = [pattern - pattern.mean(dtype=np.float32) for pattern in patterns]
    placed = [_at_each_place(each, height, width) for each in (whole, *centred)]
    sums, *products = np.split(pixels @ np.concatenate(placed, axis=1), len(placed), axis=1)
    variances = np.square(pixels) @ placed[0] - np.square(sums) / whole.size
    seen = variances > LEAST_VARIANCE * whole.size
    best = np.zeros(len(windows))
    for pattern, found in zip(centred, products, strict=True):
        scale = np.sqrt(np.where(seen, variances, np.inf) * np.square(pattern).sum())
        best = np.maximum(best, (found / np.maximum(scale, 1e-6)).max(axis=1))
    return np.clip(best, 0, 1)


def _at_each_place(pattern: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """(height * width, places) the pattern at each place where it is whole within a window of that size."""
    down, across = pattern.shape
    rows, columns = height - down + 1, width - across + 1
    placed = np.zeros((rows, columns, height, width), np.float32)
    for row, column in product(range(rows), range(columns)):
        placed[row, column, row : row + down, column : column + across] = pattern
    return placed.reshape(rows * columns, -1).T
