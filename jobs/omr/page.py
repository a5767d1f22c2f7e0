"""A decoded page, and why one is refused. One bad page is a sheet with a reason, never the end of a batch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import PermanentError
from pipeline.reasons import Reason

Gray = NDArray[np.uint8]
Colour = NDArray[np.uint8]


@dataclass(frozen=True)
class Page:
    """`gray` is (height, width), `colour` (height, width, 3) in BGR or None where the file has none.

    `number` counts from 1 within its file; `dpi` is what the file says of itself, or None.
    """

    number: int
    gray: Gray
    colour: Colour | None = None
    dpi: float | None = None


class PageRefused(PermanentError):
    """A page that cannot be read: `reason` and `detail` go into its `SheetReading`, the other pages go on."""


@dataclass(frozen=True)
class RefusedPage:
    """What stands in a file's row of pages where one could not be decoded."""

    number: int
    reason: Reason
    detail: str
