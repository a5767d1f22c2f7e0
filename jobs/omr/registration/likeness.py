"""How much a place on a page looks like the form's bubbles, which are learnt from the page itself."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.evidence import Ink

# How far around a place a bubble is looked for, canvas pixels, and half the side of what is compared, in half bubbles.
AROUND_PX = 2
HALF_PATCH = 1.5
# So many bubbles tell what one looks like.
MOST_LEARNT_FROM = 240
# A place with less ink than this, on average, 0 to 255, has no bubble printed; the palest share of others is empty.
PRINTED, EMPTY = 8.0, 0.6
LEAST_PRINTED = 8
# Where the ink varies less, in gray levels squared, there is nothing that could be like a bubble.
LEAST_VARIANCE = 0.25


@dataclass(frozen=True)
class Likeness:
    """`patterns` (h, w) are the page's own empty bubble and a filled one of the form's size, in pixels of the canvas
    that `ink` is; `reach` (2,) is half their width and height.
    """

    ink: Ink
    patterns: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    reach: NDArray[np.int_]

    def printed(self, places: Points) -> NDArray[np.bool_]:
        """(n,) whether there is anything at each place."""
        return np.asarray(windows_at(self.ink, places, self.reach).mean(axis=(1, 2)) > PRINTED)

    def at(self, places: Points) -> NDArray[np.float64]:
        """(n,) 0 to 1: the best normalised correlation of what is around each place with any of the patterns.

        One matrix product is all correlations. Correlation does not ask for the light: each window's mean is taken off
        it, so that single precision is enough.
        """
        windows = windows_at(self.ink, places, self.reach + AROUND_PX)
        pixels = windows.reshape(len(windows), windows.shape[1] * windows.shape[2]).astype(np.float32)
        pixels -= pixels.mean(axis=1, keepdims=True)
        pickers, size = self._pickers, self.patterns[0].size
        sums, *products = np.split(pixels @ np.concatenate(pickers, axis=1), len(pickers), axis=1)
        variances = np.square(pixels) @ pickers[0] - np.square(sums) / size
        variances[variances <= LEAST_VARIANCE * size] = np.inf
        best = np.zeros(len(windows))
        for picker, found in zip(pickers[1:], products, strict=True):
            scale = np.sqrt(variances * max(float(np.square(picker[:, 0]).sum()), 1e-6))
            best = np.maximum(best, (found / scale).max(axis=1))
        return np.clip(best, 0, 1)

    @cached_property
    def _pickers(self) -> list[NDArray[np.float32]]:
        """(pixels of a window, places in it) each: ones, and both patterns less their means, at every place."""
        across, down = 2 * (self.reach + AROUND_PX) + 1
        each = [np.ones_like(self.patterns[0], np.float32)]
        each += [pattern - pattern.mean(dtype=np.float32) for pattern in self.patterns]
        return [_at_each_place(pattern, int(down), int(across)) for pattern in each]


def likeness_on(ink: Ink, places: Points, layout: Layout, canvas: Canvas) -> Likeness | None:
    """`places` (n, 2) are where the bubbles are taken to be, in pixels of the canvas that `ink` is.

    None where hardly any is printed.
    """
    half = np.array(layout.half_size) * canvas.px_per_unit
    reach = np.ceil(HALF_PATCH * half).astype(int)
    patches = windows_at(ink, places[:: max(1, len(places) // MOST_LEARNT_FROM)], reach)
    inked = patches.mean(axis=(1, 2))
    patches, inked = patches[inked > PRINTED], inked[inked > PRINTED]
    if len(patches) < LEAST_PRINTED:
        return None
    palest = patches[np.argsort(inked)[: int(EMPTY * len(inked))]]
    # Pixel by pixel the median; words of sixteen bits are put in order many times faster than bytes.
    ordered = np.sort(palest.reshape(len(palest), -1).T.astype(np.uint16, order="C"), axis=1)
    empty = ((ordered[:, (len(palest) - 1) // 2] + ordered[:, len(palest) // 2]) // 2).reshape(palest.shape[1:])
    x, y = (np.arange(-off, off + 1) / size for off, size in zip(reach, half, strict=True))
    full = 255 * np.clip((1.1 - np.hypot(x[None], y[:, None])) / 0.3, 0, 1)
    return Likeness(ink, (empty.astype(np.uint8), full.astype(np.uint8)), reach)


def windows_at(ink: Ink, places: Points, reach: NDArray[np.int_]) -> NDArray[np.uint8]:
    """(n, 2 reach + 1 down, 2 reach + 1 across) around each place; outside the canvas there is no ink."""
    across, down = (int(each) for each in reach)
    padded = cv2.copyMakeBorder(ink, down, down, across, across, cv2.BORDER_CONSTANT, value=0)
    columns, rows = np.clip(np.round(places), 0, np.array(ink.shape[::-1]) - 1).astype(np.intp).T
    view = np.lib.stride_tricks.sliding_window_view(padded, (2 * down + 1, 2 * across + 1))
    return np.asarray(view[rows, columns])


def _at_each_place(pattern: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """(height * width, places): the pattern at each place where it is whole within a window, a place to a column."""
    down, across = pattern.shape
    rows, columns = height - down + 1, width - across + 1
    placed = np.zeros((rows, columns, height, width), np.float32)
    for row, column in product(range(rows), range(columns)):
        placed[row, column, row : row + down, column : column + across] = pattern
    return placed.reshape(rows * columns, -1).T
