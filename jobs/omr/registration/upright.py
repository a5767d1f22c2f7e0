"""Turning a page that lies on its side or on its head, and the transform with it."""

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points, moved
from jobs.omr.page import Page


def quarter_turns_of(homography: NDArray[np.float64], middle: Points) -> int:
    """How many quarter turns counter-clockwise bring the form upright; `middle` (2,) is its own, in frame units."""
    a, b = moved(homography, np.array([middle, middle + np.array([1.0, 0.0])]))
    return int(np.round(np.arctan2(b[1] - a[1], b[0] - a[0]) / (np.pi / 2))) % 4


def turned(page: Page, homography: NDArray[np.float64], turns: int) -> tuple[Page, NDArray[np.float64]]:
    """The page turned counter-clockwise, and the homography onto its pixels."""
    if not turns:
        return page, homography
    height, width = page.gray.shape
    onto = np.array(
        [
            [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
            [[0, 1, 0], [-1, 0, width - 1], [0, 0, 1]],
            [[-1, 0, width - 1], [0, -1, height - 1], [0, 0, 1]],
            [[0, -1, height - 1], [1, 0, 0], [0, 0, 1]],
        ],
        np.float64,
    )[turns]
    gray = np.ascontiguousarray(np.rot90(page.gray, turns))
    colour = None if page.colour is None else np.ascontiguousarray(np.rot90(page.colour, turns))
    return Page(page.number, gray, colour, page.dpi), onto @ homography
