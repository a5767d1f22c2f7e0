"""The paper's outline from the corner candidates of the network: where light and table leave no clear edge.

The network says where to look, the edges themselves say where the corners are.
"""

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
# A side is looked for this far from where the network says, in shares of the picture, at so many places.
SEARCHED: Final = 0.02
SAMPLES: Final = 48


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
    corners = _on_edges(gray, best[1])
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)


def _on_edges(gray: Gray, corners: Points) -> Points:
    """The corners moved to where the paper's sides, measured on the full picture, meet."""
    sides = [_side(gray, corners[k], corners[(k + 1) % 4]) for k in range(4)]
    sharp = np.array([_meeting(sides[k - 1], sides[k]) for k in range(4)])
    near = np.linalg.norm(sharp - corners, axis=1) < 1.5 * SEARCHED * max(gray.shape)
    return np.asarray(np.where(near[:, None], sharp, corners))


def _side(gray: Gray, start: Points, end: Points) -> tuple[Points, Points]:
    """A point of the paper's side and its direction, from the strongest edges across the line from start to end."""
    along = (end - start) / np.linalg.norm(end - start)
    # Clockwise in a picture: the paper is to the right of the way, the outside to the left.
    outwards = np.array([along[1], -along[0]])
    reach = int(SEARCHED * max(gray.shape))
    feet = start + np.linspace(0.06, 0.94, SAMPLES)[:, None] * (end - start)
    places = (feet[:, None] + np.arange(-reach, reach + 1)[None, :, None] * outwards).astype(np.float32)
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    seen = cv2.remap(gray, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = np.asarray(seen, dtype=np.float32)
    window = max(2, reach // 8)
    summed = np.cumsum(np.pad(light, ((0, 0), (1, 0))), axis=1)
    steps = np.arange(window, light.shape[1] - window)
    inside, outside = summed[:, steps] - summed[:, steps - window], summed[:, steps + window] - summed[:, steps]
    fall = inside - outside
    best = fall.argmax(axis=1)
    sure = fall[np.arange(SAMPLES), best] >= np.median(fall[np.arange(SAMPLES), best]) / 2
    edges = feet + (steps[best] - reach - 0.5)[:, None] * outwards
    line = cv2.fitLine(edges[sure].astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel().astype(np.float64)
    return line[2:], line[:2]


def _meeting(one: tuple[Points, Points], other: tuple[Points, Points]) -> Points:
    (a, u), (b, v) = one, other
    turn = u[0] * v[1] - u[1] * v[0]
    if abs(turn) < 1e-3:
        return np.full(2, np.inf)
    along = ((b[0] - a[0]) * v[1] - (b[1] - a[1]) * v[0]) / turn
    return np.asarray(a + along * u)
