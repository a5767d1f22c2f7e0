"""Where in a patch the bubble's inside, its outline and the paper around it are."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.patches import PATCH_SIDE, PATCH_SPAN
from pipeline.answer_sheets.template import Shape

Mask = NDArray[np.float32]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Areas:
    """Weights (32 * 32,), each summing to 1: the product with a patch is its mean over the area.

    `diagonals` is where the strokes of a cross run inside the bubble, `sectors` the four fields between them. `corners`
    (32 * 32, 4) are the patch's corners: no neighbour on a grid reaches there, but what strikes a bubble out does.
    """

    core: Mask
    inside: Mask
    outline: Mask
    halo: Mask
    around: Mask
    diagonals: Mask
    sectors: Mask
    corners: Mask

    @cached_property
    def of_ink(self) -> Mask:
        """(32 * 32, 9): inside, core, halo, diagonals, sectors and the four corners, for one product with patches."""
        areas = [self.inside, self.core, self.halo, self.diagonals, self.sectors]
        return np.concatenate([np.stack(areas, axis=1), self.corners], axis=1)


@lru_cache(maxsize=256)
def areas_of(shape: Shape, width: float, height: float) -> Areas:
    """For bubbles whose half width and half height are these shares (0..1] of their longer half side."""
    steps = ((np.arange(PATCH_SIDE) + 0.5) / PATCH_SIDE * 2 - 1) * PATCH_SPAN
    x, y = np.meshgrid(steps / width, steps / height)
    reach = np.hypot(x, y) if shape is Shape.CIRCLE else np.maximum(np.abs(x), np.abs(y))
    from_diagonal = np.minimum(np.abs(x - y), np.abs(x + y))
    inside = reach <= 0.85
    return Areas(
        core=_mean_over(reach <= 0.5),
        inside=_mean_over(inside),
        outline=_mean_over((reach > 0.85) & (reach <= 1.15)),
        halo=_mean_over((reach > 1.2) & (reach <= 1.6)),
        around=_mean_over(reach > 1.3),
        diagonals=_mean_over(inside & (from_diagonal <= 0.3)),
        sectors=_mean_over(inside & (from_diagonal >= 0.45)),
        corners=np.stack([_mean_over(corner) for corner in _corners(reach, steps)], axis=1),
    )


def _corners(reach: NDArray[np.float64], steps: NDArray[np.float64]) -> Iterator[NDArray[np.bool_]]:
    """Outside the bubble, where both coordinates are at least its longer half side, towards each corner."""
    for down in (-1, 1):
        for right in (-1, 1):
            far_right, far_down = np.meshgrid(steps * right >= 0.95, steps * down >= 0.95)
            yield (reach > 1.25) & far_right & far_down


def alike(
    square: NDArray[np.bool_], width: NDArray[np.float64], height: NDArray[np.float64]
) -> Iterator[tuple[Indices, Areas]]:
    """The bubbles of each outline with the areas that go with it; proportions are told apart in twentieths."""
    across, down = (np.rint(side * 20).clip(4, 20).astype(np.int64) for side in (width, height))
    # One number for all three: rows of a table are told apart ten times more slowly.
    kind_of = (square * 32 + across) * 32 + down
    for kind in np.unique(kind_of):
        members = np.flatnonzero(kind_of == kind)
        first = members[0]
        shape = Shape.SQUARE if square[first] else Shape.CIRCLE
        yield members, areas_of(shape, across[first] / 20, down[first] / 20)


def _mean_over(area: NDArray[np.bool_]) -> Mask:
    return np.asarray((area / max(area.sum(), 1)).ravel(), dtype=np.float32)
