"""A guess of where the form lies, and by what it was made."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points, moved


@dataclass(frozen=True)
class Candidate:
    """`homography` is (3, 3) from frame units to page pixels. `anchors` (k, 2) are the frame points that it puts where
    they were seen; none where that is not known to a part of a bubble.
    """

    homography: NDArray[np.float64]
    method: str
    anchors: Points = field(default_factory=lambda: np.zeros((0, 2)))

    def steps(self, homography: NDArray[np.float64]) -> Points:
        """(k, 2) frame units: by how much another homography would have to move the anchors."""
        if not len(self.anchors):
            return self.anchors
        return moved(np.linalg.inv(homography) @ self.homography, self.anchors) - self.anchors


def frame_corners(width: float, height: float) -> Points:
    """(4, 2) top left, top right, bottom right, bottom left."""
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def onto(frame_points: Points, page_points: Points, method: str) -> Candidate:
    """The transform that takes four (or more) points to four, or three to three without perspective."""
    if len(frame_points) == 3:
        affine = cv2.getAffineTransform(frame_points.astype(np.float32), page_points.astype(np.float32))
        return Candidate(np.vstack([affine, [0, 0, 1]]).astype(np.float64), method)
    if len(frame_points) == 4:
        found = cv2.getPerspectiveTransform(frame_points.astype(np.float32), page_points.astype(np.float32))
        return Candidate(np.asarray(found, np.float64), method)
    found, _ = cv2.findHomography(frame_points, page_points, cv2.RANSAC, 0.01 * float(np.ptp(page_points)))
    return Candidate(np.asarray(found if found is not None else np.eye(3), np.float64), method)


def all_turns(frame: Points, page: Points, method: str) -> Sequence[Candidate]:
    """The frame's four corners on the page's, in each of the four orientations, the upright one first."""
    return [onto(frame, np.roll(page, -turns, axis=0), method) for turns in range(4)]
