"""The paper's outline from the corner candidates of the network: where light and table leave no clear edge."""

from itertools import combinations
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.networks.fiducial_finder import find_corners
from jobs.omr.networks.session import Provider
from jobs.omr.page import Gray

Points = NDArray[np.float64]

# Of the candidates so many of the best are tried as corners, and their quadrilateral covers this much of the picture.
BEST: Final = 7
LEAST_SHARE: Final = 0.12


def paper_corners_by_network(gray: Gray, provider: Provider = Provider.AUTO) -> Points | None:
    """(4, 2) page pixels, clockwise from the corner nearest the picture's top left; None where four are not seen."""
    found = find_corners(gray, provider)
    best: tuple[float, Points] | None = None
    # OpenCV means with y upwards: what it calls counterclockwise goes clockwise in a picture.
    for four in combinations(range(min(BEST, len(found.page))), 4):
        chosen = list(four)
        outline = cv2.convexHull(found.page[chosen].astype(np.float32), clockwise=False).reshape(-1, 2)
        share = cv2.contourArea(outline) / gray.size
        if len(outline) < 4 or share < LEAST_SHARE:
            continue
        # Sure corners count more than a large outline, which the corner of a shadow or of the table would make.
        score = float(np.log(found.page_scores[chosen]).sum()) + share
        if best is None or score > best[0]:
            best = score, outline.astype(np.float64)
    if best is None:
        return None
    corners = best[1]
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)
