"""Where the corners and the fiducials of a drawn page are."""

import numpy as np
from numpy.typing import NDArray

from pipeline.answer_sheets.template import FiducialKind, Template


def places_of(template: Template) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The page's corners and the fiducials' places in millimetres."""
    width, height = template.frame.width, template.frame.height
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
    points: list[tuple[float, float]] = []
    for fiducial in template.fiducials:
        if fiducial.at is None or fiducial.length is None:
            continue
        x, y = fiducial.at
        if fiducial.kind is FiducialKind.TIMING_TRACK:
            points += [(x, y - fiducial.length / 2), (x, y + fiducial.length / 2)]
        else:
            points.append((x, y))
    return corners, np.array(points, dtype=np.float64).reshape(-1, 2)
