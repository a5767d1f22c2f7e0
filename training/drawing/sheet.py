"""A drawn answer sheet and its truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.answer_sheets.template import Template


@dataclass(frozen=True)
class DrawnSheet:
    """`picture` is (height, width) uint8, 255 white; `states` (n,) holds a `Drawn` for each bubble in the template's
    order. The template is in millimetres, its frame is the page.
    """

    picture: NDArray[np.uint8]
    px_per_mm: float
    template: Template
    states: NDArray[np.int64]
