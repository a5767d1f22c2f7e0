"""The paper's own outline in a photo: a bright quadrilateral on something darker."""

from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points, moved
from jobs.omr.page import Gray, Page
from jobs.omr.registration.evidence import InkAtScale, scaling

LOOKED_AT_PX = 400
# Of the picture; smaller papers have too few pixels, larger ones have no edge to be seen.
LEAST_SHARE, MOST_SHARE = 0.1, 0.985
# On a scan nearly all of the picture's rim is paper.
RIM_OF_SCAN = 0.93
# Brightness against Otsu's threshold, and what touches the paper and is cut off from it, in pixels of the small copy.
THRESHOLDS = (1.0, 1.15, 0.85, 1.3)
OPENINGS = (7, 27)
# How much paper and quadrilateral have in common; the first is enough, below the second there is none.
CLEAR_OVERLAP, LEAST_OVERLAP = 0.985, 0.9
# Corners nearer than this share of the picture are the same.
SAME = 0.01


def papers_of(page: Page, ink: InkAtScale, shrink: int) -> list[Points]:
    """Where the paper's corners may be, likeliest first; none where no edge is seen, as on a scan.

    In the darkest channel coloured desks are dark, but shadows are deeper. Each is (4, 2) page pixels, clockwise from
    the corner nearest the picture's top left. They are looked for on the page shrunk by `shrink`.
    """
    overlap, corners = _corners(ink.small(shrink))
    if corners is not None:
        corners = moved(np.asarray(np.linalg.inv(scaling(shrink))), corners)
    found = [] if corners is None else [(overlap, corners)]
    if overlap and overlap < CLEAR_OVERLAP and page.colour is not None:
        overlap, other = _corners(page.gray)
        if other is not None and (corners is None or np.abs(other - corners).max() > SAME * max(page.gray.shape)):
            found.append((overlap, other))
    return [corners for _, corners in sorted(found, key=lambda one: -one[0])]


def _corners(gray: Gray) -> tuple[float, Points | None]:
    scale = LOOKED_AT_PX / max(gray.shape)
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    level, bright = cv2.threshold(small, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    rim = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    if rim.mean() > 255 * RIM_OF_SCAN:
        return 0.0, None
    best, corners = LEAST_OVERLAP, None
    for factor, opening in product(THRESHOLDS, OPENINGS):
        paper = (small > min(factor * level, 250)).astype(np.uint8)
        opened = cv2.morphologyEx(paper, cv2.MORPH_OPEN, np.ones((opening, opening), np.uint8))
        overlap, found = _quadrilateral(np.asarray(opened, np.uint8))
        if overlap > best:
            best, corners = overlap, found
        if best > CLEAR_OVERLAP:
            break
    if corners is None:
        return LEAST_OVERLAP, None
    first = int(corners.sum(axis=1).argmin())
    return best, np.asarray((np.roll(corners, -first, axis=0) + 0.5) / scale - 0.5)


def _quadrilateral(paper: NDArray[np.uint8]) -> tuple[float, Points | None]:
    """The four corners of the largest bright piece, and how much of both together both have."""
    outlines, _ = cv2.findContours(paper, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return 0.0, None
    outline = max(outlines, key=cv2.contourArea)
    if not LEAST_SHARE < cv2.contourArea(outline) / paper.size < MOST_SHARE:
        return 0.0, None
    corners = _four_corners(np.asarray(cv2.convexHull(outline), np.int32).reshape(-1, 2))
    if corners is None:
        return 0.0, None
    piece, filled = np.zeros_like(paper), np.zeros_like(paper)
    cv2.drawContours(piece, [outline], -1, 1, cv2.FILLED)
    cv2.fillConvexPoly(filled, np.round(corners).astype(np.int32), 1)
    return float((piece & filled).sum() / max(1, int((piece | filled).sum()))), corners


def _four_corners(hull: NDArray[np.int32]) -> Points | None:
    """The hull simplified until four corners are left, clockwise in the picture."""
    outline = hull.astype(np.float32).reshape(-1, 1, 2)
    length = cv2.arcLength(outline, closed=True)
    corners = np.zeros((0, 2))
    for tolerance in np.linspace(0.01, 0.12, 23):
        corners = cv2.approxPolyDP(outline, tolerance * length, closed=True).reshape(-1, 2).astype(np.float64)
        if len(corners) <= 4:
            break
    if len(corners) != 4:
        return None
    turning = cv2.contourArea(corners.astype(np.float32), oriented=True)
    return corners if turning > 0 else corners[::-1]
