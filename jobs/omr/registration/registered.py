"""A page on which the form has been found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jobs.omr.page import Colour, Gray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Registered:
    """Where the form's bubbles are on a page.

    `gray` (height, width) and `colour` (height, width, 3; BGR, or None) are the page turned upright by
    `quarter_turns`. `positions` (n, 2) are the pixel centres x, y of the bubbles in the order of `Form.centres`,
    each refined on the page; `half_sizes_px` (n, 2) their half widths and heights in pixels. `to_page` maps (m, 2)
    points of the frame to pixels. `residual_mm` is the root mean square misfit on paper. `undecided` is true of a form
    that may as well lie the other way up, `doubted` (n,) of bubbles whose block may lie elsewhere; there
    are `blocks_doubted` of them. `block_residual_mm` is how far the furthest block lies off the others and the marks.
    """

    gray: Gray
    colour: Colour | None
    positions: NDArray[np.float64]
    half_sizes_px: NDArray[np.float64]
    px_per_unit: float
    residual_mm: float
    method: str
    quarter_turns: int
    mode: Literal["scan", "photo"]
    to_page: Callable[[Points], Points]
    undecided: bool = False
    doubted: NDArray[np.bool_] | None = None
    blocks_doubted: int = 0
    block_residual_mm: float = 0.0
