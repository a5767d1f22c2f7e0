"""The network that finds the page's corners and the fiducials on a small picture of the page.

It says where to look, to about a pixel of the small picture (1 mm on A4): whoever registers a page by it measures the
exact place on the full picture around each point.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.networks.session import WEIGHTS, Provider, open_network
from jobs.omr.page import Gray

# The page's longer side is brought to this many pixels; the rest of the square is filled with gray.
INPUT_SIDE: Final = 256
FILLING: Final = 128
# A pixel of the network's maps is so many of its input.
STRIDE: Final = 4
LEAST_SCORE: Final = 0.3
MOST_POINTS: Final = 40

Points = NDArray[np.float64]


@dataclass(frozen=True)
class CornerCandidates:
    """Points (k, 2) as x and y in pixels of the picture, best first, with scores (k,) in 0..1.

    `page` are corners of the paper; `fiducials` are centres of corner marks (of brackets and L marks the outer corner,
    of timing tracks the ends).
    """

    page: Points
    page_scores: NDArray[np.float32]
    fiducials: Points
    fiducial_scores: NDArray[np.float32]


def find_corners(gray: Gray, provider: Provider = Provider.AUTO, weights: Path = WEIGHTS) -> CornerCandidates:
    """Candidates for what registers a page, anyhow turned; possibly none."""
    small, scale = page_input(gray)
    maps = open_network("pages", provider, weights).run({"page": small[None, None]})[0]
    page, page_scores = _peaks(maps[0])
    fiducials, fiducial_scores = _peaks(maps[1])
    return CornerCandidates(
        page=_in_picture(page, scale),
        page_scores=page_scores,
        fiducials=_in_picture(fiducials, scale),
        fiducial_scores=fiducial_scores,
    )


def page_input(gray: Gray) -> tuple[Gray, float]:
    """(256, 256) uint8 with the page at its top left, and how many of its pixels make one of `gray`."""
    height, width = gray.shape
    scale = INPUT_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.full((INPUT_SIDE, INPUT_SIDE), FILLING, dtype=np.uint8)
    small[: size[1], : size[0]] = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return small, scale


def _peaks(heat: NDArray[np.float32]) -> tuple[Points, NDArray[np.float32]]:
    """Local maxima of a map and their scores; each place is the centre of weight of the 3 x 3 pixels around it."""
    highest = cv2.dilate(heat, np.ones((5, 5), dtype=np.uint8))
    rows, columns = np.nonzero((heat >= highest) & (heat >= LEAST_SCORE))
    scores = heat[rows, columns]
    order = np.argsort(-scores, kind="stable")[:MOST_POINTS]
    rows, columns = rows[order], columns[order]
    padded = np.pad(heat, 1)
    around = np.stack([padded[rows + dy, columns + dx] for dy in range(3) for dx in range(3)], axis=1)
    steps = np.array([(dx - 1, dy - 1) for dy in range(3) for dx in range(3)], dtype=np.float64)
    shift = around @ steps / np.maximum(around.sum(axis=1, keepdims=True), 1e-6)
    return np.stack([columns, rows], axis=1) + shift, scores[order]


def _in_picture(places: Points, scale: float) -> Points:
    """Map pixels to picture pixels; pixel centres are at whole numbers in both."""
    return np.asarray(((places + 0.5) * STRIDE) / scale - 0.5)
