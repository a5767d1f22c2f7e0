"""The bubbles of sheets as a batch of small upright pictures: what every mark engine looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A patch is this many pixels wide and high.
PATCH_SIDE: Final = 32
# It spans this many times the bubble's longer side, so that the bubble fills the middle half.
PATCH_SPAN: Final = 2.0
# The gray level that the paper around a bubble has in its patch: brighter glints stay visible above it.
PAPER_LEVEL: Final = 230

# The columns of `PatchBatch.context`. Darkness is 0 for the paper around the bubble and 1 for black.
CONTEXT: Final = (
    "size_px",  # the bubble's longer side in pixels of the page, divided by 32
    "width",  # its width divided by its longer side
    "height",  # its height divided by its longer side
    "square",  # 1 where it is printed as a box, else 0
    "own_print",  # median darkness inside unmarked bubbles that are printed alike on this sheet
    "darkness",  # mean darkness inside this bubble
    "above_field",  # darkness above own print, less that of the lighter half of its field's other bubbles
    "ink",  # darkness of the sheet's darkest marks or, without marks, of its print
    "noise",  # how far darkness inside unmarked bubbles strays on this sheet (robust standard deviation)
)


@dataclass(frozen=True)
class PatchBatch:
    """`pixels` (n, 32, 32) uint8: each bubble in the middle half of its patch, in the page's reading plane, paper
    brought to PAPER_LEVEL. `own_print` (n, 32, 32) uint8: what the bubble looks like unmarked, estimated from the
    bubbles of the same sheet that are printed alike. `context` (n, len(CONTEXT)) float32.
    """

    pixels: NDArray[np.uint8]
    own_print: NDArray[np.uint8]
    context: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pixels)

    def part(self, start: int, end: int) -> "PatchBatch":
        return PatchBatch(self.pixels[start:end], self.own_print[start:end], self.context[start:end])


def joined(batches: Sequence[PatchBatch]) -> PatchBatch:
    """The bubbles of several sheets as one batch, for one large inference; `MarkStates.split` takes it apart."""
    return PatchBatch(
        np.concatenate([batch.pixels for batch in batches]),
        np.concatenate([batch.own_print for batch in batches]),
        np.concatenate([batch.context for batch in batches]),
    )
