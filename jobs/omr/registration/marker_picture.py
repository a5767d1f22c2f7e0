"""Register marks found by their picture: normalised correlation at several sizes, for marks too blurred to outline."""

import cv2
import numpy as np

from jobs.omr.layout import Points
from jobs.omr.page import Gray
from jobs.omr.registration.evidence import Ink

LOOKED_AT_PX = 760
# The mark's side as shares of the picture's longer one.
SIZES = np.geomspace(0.018, 0.09, 9)
ALIKE = 0.5
MOST_PER_SIZE = 5


def by_picture(ink: Ink, picture: Gray) -> Points:
    """(m, 3) x, y and side, in pixels of the ink map, of what looks like the picture."""
    scale = min(1.0, LOOKED_AT_PX / max(ink.shape))
    small = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found: list[tuple[float, float, float]] = []
    for size in SIZES:
        side = round(size * max(small.shape))
        if side < 8:
            continue
        mark = 255 - cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        alike = cv2.matchTemplate(small, mark, cv2.TM_CCOEFF_NORMED)
        for _ in range(MOST_PER_SIZE):
            _, height, _, (x, y) = cv2.minMaxLoc(alike)
            if height < ALIKE:
                break
            found.append(((x + side / 2) / scale - 0.5, (y + side / 2) / scale - 0.5, side / scale))
            alike[max(0, y - side // 2) : y + side // 2 + 1, max(0, x - side // 2) : x + side // 2 + 1] = -1
    return np.array(found).reshape(-1, 3)
