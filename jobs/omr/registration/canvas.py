"""The part of the page that holds the bubbles, drawn flat at one scale for all forms: a bubble is 10 pixels wide."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points
from jobs.omr.registration.evidence import Ink, InkAtScale, scaling

HALF_BUBBLE_PX = 5.0
LONGEST_SIDE_PX = 2400
MARGIN_IN_PITCHES = 2.5


@dataclass(frozen=True)
class Canvas:
    """`to_frame` is (3, 3) from canvas pixels to frame units, `px_per_unit` the scale of the way back."""

    width: int
    height: int
    px_per_unit: float
    to_frame: NDArray[np.float64]

    @property
    def from_frame(self) -> NDArray[np.float64]:
        return np.asarray(np.linalg.inv(self.to_frame))

    def points(self, frame_points: Points) -> Points:
        """(n, 2) frame units as canvas pixels."""
        return np.asarray((frame_points - self.to_frame[:2, 2]) * self.px_per_unit)


def canvas_of(layout: Layout, half_bubble_px: float = HALF_BUBBLE_PX) -> Canvas:
    left, top, right, bottom = layout.box
    margin = MARGIN_IN_PITCHES * layout.pitch
    left, top, right, bottom = left - margin, top - margin, right + margin, bottom + margin
    scale = min(half_bubble_px / layout.radius, LONGEST_SIDE_PX / max(right - left, bottom - top))
    to_frame = np.array([[1 / scale, 0, left], [0, 1 / scale, top], [0, 0, 1]])
    return Canvas(int((right - left) * scale) + 1, int((bottom - top) * scale) + 1, scale, to_frame)


def flattened(page: InkAtScale, homography: NDArray[np.float64], canvas: Canvas) -> Ink:
    """The canvas's ink under a homography from frame units to page pixels; outside the page there is none."""
    to_page = homography @ canvas.to_frame
    ink, shrink = page.for_scale(_local_scale(to_page, canvas))
    to_level = scaling(shrink) @ to_page
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(ink, to_level, (canvas.width, canvas.height), flags=flags), np.uint8)


def _local_scale(to_page: NDArray[np.float64], canvas: Canvas) -> float:
    """Page pixels to a canvas pixel, in the canvas's middle."""
    middle = np.array([canvas.width / 2, canvas.height / 2])
    corners = np.array([middle, middle + np.array([1, 0]), middle + np.array([0, 1])])
    a, b, c = cv2.perspectiveTransform(corners.reshape(-1, 1, 2), to_page).reshape(-1, 2)
    return float(np.sqrt(np.hypot(*(b - a)) * np.hypot(*(c - a))))
