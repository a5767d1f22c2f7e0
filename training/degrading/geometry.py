"""Where a page's points land in a capture: a bow of the paper, then a perspective view of it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.degrading.degradation import Capture, Degradation

Points = NDArray[np.float64]

MM_PER_INCH = 25.4


@dataclass(frozen=True)
class View:
    """`matrix` (3, 3) maps bowed page millimetres to pixels of a picture of `size` (width, height).

    The bow moves a point across the page by `bow_mm * sin(pi * x / width_mm)` downwards.
    """

    matrix: Points
    size: tuple[int, int]
    page_mm: tuple[float, float]
    bow_mm: float

    def to_capture(self, points_mm: Points) -> Points:
        """(m, 2) page millimetres to pixels, pixel centres at whole numbers."""
        bowed = np.array(points_mm, dtype=np.float64)
        bowed[:, 1] += self.bow_mm * np.sin(np.pi * bowed[:, 0] / self.page_mm[0])
        return np.asarray(cv2.perspectiveTransform(bowed[None], self.matrix)[0], dtype=np.float64)

    def resample(self, picture: NDArray[np.float32], px_per_mm: float, outside: float) -> NDArray[np.float32]:
        """The page's picture as the capture sees it; `outside` is the light of what is not page."""
        inverse = np.linalg.inv(self.matrix)
        scale = np.diag([px_per_mm, px_per_mm, 1.0])
        flags, border = cv2.INTER_LINEAR, cv2.BORDER_CONSTANT
        if self.bow_mm == 0:
            seen = cv2.warpPerspective(
                picture,
                self.matrix @ np.linalg.inv(scale),
                self.size,
                flags=flags,
                borderMode=border,
                borderValue=outside,
            )
            return np.asarray(seen, dtype=np.float32)
        width, height = self.size
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        third = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        page_x = (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / third
        page_y = (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / third
        page_y -= self.bow_mm * np.sin(np.pi * page_x / self.page_mm[0])
        map_x, map_y = (page_x * px_per_mm).astype(np.float32), (page_y * px_per_mm).astype(np.float32)
        seen = cv2.remap(picture, map_x, map_y, flags, borderMode=border, borderValue=outside)
        return np.asarray(seen, dtype=np.float32)


def random_view(page_mm: tuple[float, float], degradation: Degradation, rng: np.random.Generator) -> View:
    """The degradation's angles and bow; where the page lies in the picture is up to the seed."""
    width, height = page_mm
    scale = degradation.dpi / MM_PER_INCH
    photo = degradation.capture is Capture.PHOTO
    margin = np.array([width, height]) * (rng.uniform(0.01, 0.18) if photo else 0.0)
    size = np.ceil((np.array([width, height]) + 2 * margin) * scale).astype(int)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
    shifts = rng.uniform(-1, 1, (4, 2))
    shifts /= np.abs(shifts).max()
    middle = corners.mean(axis=0)
    angle = np.deg2rad(degradation.skew_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (corners + shifts * degradation.perspective * min(width, height) - middle) @ turn.T
    moved += middle + margin + rng.normal(0, 0.5 if not photo else 2.0, 2)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), (moved * scale).astype(np.float32))
    bow = degradation.curvature * width
    return View(
        matrix=np.asarray(matrix, dtype=np.float64), size=(int(size[0]), int(size[1])), page_mm=page_mm, bow_mm=bow
    )
