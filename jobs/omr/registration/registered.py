"""A page whose bubbles are found."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points, moved
from jobs.omr.page import Colour, Gray
from jobs.omr.registration.displacements import Displacements

Mode = Literal["scan", "photo"]


@dataclass(frozen=True)
class Registered:
    """`gray` and `colour` are the page turned upright; all positions are pixels of them.

    `positions` and `half_sizes_px` are (n, 2), in the order of `form.centres`. `residual_mm` is the root mean square
    distance between where bubbles were seen and where they are taken to be, over those that agree; `agreement` the
    share of what was seen that agrees.
    """

    gray: Gray
    colour: Colour | None
    positions: NDArray[np.float64]
    half_sizes_px: NDArray[np.float64]
    px_per_unit: float
    residual_mm: float
    agreement: float
    method: str
    quarter_turns: int
    mode: Mode
    homography: NDArray[np.float64]
    local: Displacements
    page_id: str | None = None

    def to_page(self, points: Points) -> Points:
        """(m, 2) points in frame units as (m, 2) pixels, through the same global and local transform as `positions`."""
        return moved(self.homography, points + self.local.at(points))
