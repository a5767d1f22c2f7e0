"""The engine that looks at no pixels: what is measured of a bubble, weighed by a small table.

The table is a regression with one hidden layer, fitted to drawn sheets whose truth is known, so that its probabilities
are calibrated to those; `training/fit_classical.py` makes it.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.engine import MarkStates, State
from jobs.omr.marks.features import FEATURES, features_of
from jobs.omr.marks.patches import PatchBatch

TABLE: Final = Path(__file__).with_name("classical.json")
# What the table tells apart, in the order of its columns, and what each counts as.
KINDS: Final = ("blank", "filled", "partial", "erased", "cancelled", "tick", "cross")
MEANS: Final = (
    State.BLANK,
    State.FILLED,
    State.PARTIAL,
    State.ERASED,
    State.CANCELLED,
    State.FILLED,
    State.FILLED,
)
# Features further out than this many spreads say no more than those there: nothing like them was drawn.
FARTHEST: Final = 4.0
# What fits a processor's cache; more would only take memory.
BUBBLES_AT_ONCE: Final = 512


@dataclass(frozen=True)
class Table:
    """`centre` and `spread` (k,) of the features; `into` (k + 1, h) and `out` (h + k + 1, len(KINDS)) are weights,
    those of a constant last.
    """

    centre: NDArray[np.float32]
    spread: NDArray[np.float32]
    into: NDArray[np.float32]
    out: NDArray[np.float32]


class ClassicalEngine:
    name = "classical"

    def __init__(self) -> None:
        self._table = load_table()

    def judge(self, patches: PatchBatch) -> MarkStates:
        """One row for each patch, in their order."""
        starts = range(0, len(patches), BUBBLES_AT_ONCE)
        kinds = np.concatenate([self._kinds(patches.part(start, start + BUBBLES_AT_ONCE)) for start in starts])
        probabilities = np.zeros((len(patches), len(State)), dtype=np.float32)
        for column, state in enumerate(MEANS):
            probabilities[:, state] += kinds[:, column]
        standing = np.maximum(probabilities[:, State.FILLED], np.float32(1e-9))
        tick, cross = kinds[:, KINDS.index("tick")], kinds[:, KINDS.index("cross")]
        return MarkStates(probabilities, np.divide(tick, standing), np.divide(cross, standing))

    def _kinds(self, patches: PatchBatch) -> NDArray[np.float32]:
        return kinds_of(features_of(patches), self._table)


@cache
def load_table(path: Path = TABLE) -> Table:
    stored = json.loads(path.read_text())
    if stored["features"] != list(FEATURES) or stored["kinds"] != list(KINDS):
        raise ValueError(f"{path.name} is of other features or kinds: {stored['features']}, {stored['kinds']}")
    arrays = (np.array(stored[name], dtype=np.float32) for name in ("centre", "spread", "into", "out"))
    return Table(*arrays)


def kinds_of(features: NDArray[np.float32], table: Table) -> NDArray[np.float32]:
    """(n, len(KINDS)) probabilities, in the order of `features`."""
    standard = standardised(features, table.centre, table.spread)
    return softmax(with_hidden(standard, table.into) @ table.out)


def standardised(
    features: NDArray[np.float32], centre: NDArray[np.float32], spread: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(n, k + 1): the features in spreads from their centre, and a constant."""
    standard = np.clip((features - centre) / spread, -FARTHEST, FARTHEST)
    return np.concatenate([standard, np.ones((len(standard), 1), dtype=np.float32)], axis=1)


def with_hidden(standard: NDArray[np.float32], into: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, h + k + 1): the hidden layer, then what it was made of."""
    return np.concatenate([np.tanh(standard @ into), standard], axis=1)


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
