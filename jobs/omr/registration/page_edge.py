"""The paper's own outline in a photo: a bright quadrilateral on something darker."""

import cv2
import numpy as np

from jobs.omr.layout import Points
from jobs.omr.page import Gray

LOOKED_AT_PX = 480
# Of the picture; smaller papers have too few pixels, larger ones have no edge to be seen.
LEAST_SHARE, MOST_SHARE = 0.12, 0.985
# How much of the quadrilateral the paper fills: curled edges and a thumb leave a little free.
LEAST_FILLED = 0.88


def paper_corners(gray: Gray) -> Points | None:
    """`gray` is best the darkest channel: desks are coloured, paper is not.

    Returns (4, 2) page pixels, clockwise from the corner nearest the picture's top left, or None where no edge is seen.
    """
    scale = LOOKED_AT_PX / max(gray.shape)
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8))
    small = cv2.GaussianBlur(small, (5, 5), 0)
    _, bright = cv2.threshold(small, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    area = cv2.contourArea(hull)
    if not LEAST_SHARE < area / small.size < MOST_SHARE:
        return None
    corners = _four_corners(np.asarray(hull, np.float64).reshape(-1, 2))
    if corners is None or not LEAST_FILLED < area / max(cv2.contourArea(corners.astype(np.float32)), 1) < 1.1:
        return None
    first = int(corners.sum(axis=1).argmin())
    return np.asarray((np.roll(corners, -first, axis=0) + 0.5) / scale - 0.5)


def _four_corners(hull: Points) -> Points | None:
    """The hull simplified until four corners are left, clockwise in the picture."""
    outline = hull.astype(np.float32).reshape(-1, 1, 2)
    length = cv2.arcLength(outline, closed=True)
    for tolerance in np.linspace(0.01, 0.12, 23):
        corners = cv2.approxPolyDP(outline, tolerance * length, closed=True).reshape(-1, 2).astype(np.float64)
        if len(corners) <= 4:
            break
    if len(corners) != 4:
        return None
    turning = cv2.contourArea(corners.astype(np.float32), oriented=True)
    return corners if turning > 0 else corners[::-1]
