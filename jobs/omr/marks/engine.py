"""The seam between measuring bubbles and deciding what they mean. Engines are `classical` and the networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.patches import PatchBatch


class State(IntEnum):
    """What a bubble is, and the column of `MarkStates.probabilities`.

    `FILLED` is a mark that stands, however it is made: a fill, a tick, a cross, a scribble; its form is in
    `MarkStates.tick` and `cross`. `PARTIAL` covers part of the bubble or touches it once, and may or may not be meant.
    `CANCELLED` is a mark that was struck out, `ERASED` what a rubber left of one.
    """

    BLANK = 0
    FILLED = 1
    PARTIAL = 2
    CANCELLED = 3
    ERASED = 4


@dataclass(frozen=True)
class MarkStates:
    """`probabilities` (n, 5) over `State`, rows sum to 1, meant to be calibrated. `tick` and `cross` (n,) in 0..1: how
    likely the mark, if there is one, is a tick or a cross and no fill.
    """

    probabilities: NDArray[np.float32]
    tick: NDArray[np.float32]
    cross: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.probabilities)

    def split(self, counts: Sequence[int]) -> list["MarkStates"]:
        """One value per sheet, of `counts` bubbles each in the batch's order."""
        if sum(counts) != len(self):
            raise ValueError(f"{len(self)} states do not make sheets of {list(counts)}")
        ends = np.cumsum(counts)[:-1]
        parts = zip(*(np.split(array, ends) for array in (self.probabilities, self.tick, self.cross)), strict=True)
        return [MarkStates(*part) for part in parts]


class MarkEngine(Protocol):
    @property
    def name(self) -> str: ...

    def judge(self, patches: PatchBatch) -> MarkStates:
        """One row for each patch, in their order."""
        ...
