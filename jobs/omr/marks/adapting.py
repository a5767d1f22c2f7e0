"""Fitting an engine's probabilities to the sheet at hand: where one cross is, others are likely.

Engines are calibrated to a mixture of sheets. How common fills, crosses or traces are differs from sheet to sheet, and
the sheet itself tells: the shares are estimated from it by expectation maximisation, and the probabilities moved to
them (Saerens, Latinne and Decaestecker, Neural Computation 14, 2002).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.engine import MarkStates, State

Floats = NDArray[np.float64]

# What the bubbles are that engines are calibrated to: `REAL_SHARES` of training/mark_data.py. In the order of
# `State`, FILLED without ticks and crosses, then those two.
CALIBRATED: Final = np.array([0.760, 0.198, 0.0095, 0.005, 0.0095, 0.007, 0.011])
# What spoils a mark may be rarer on a sheet than usual, but no sheet makes it likelier: heavy fills look struck out,
# light ones rubbed out, and would draw all their like after them.
RARE: Final = [State.PARTIAL, State.CANCELLED, State.ERASED]
# The mixture counts for so many bubbles beside those of the sheet.
WORTH_BUBBLES: Final = 40.0
ROUNDS: Final = 4


@dataclass(frozen=True)
class AtHome:
    """`states` of one sheet's bubbles, which reckon with a share of `marked_share` marks among them."""

    states: MarkStates
    marked_share: float


def at_home(states: MarkStates) -> AtHome:
    """The states given what the sheet as a whole holds."""
    kinds = kinds_of(states)
    expected = CALIBRATED / CALIBRATED.sum()
    shares, moved = expected, kinds
    for _ in range(ROUNDS):
        shares = (moved.sum(axis=0) + WORTH_BUBBLES * expected) / (len(kinds) + WORTH_BUBBLES)
        shares[RARE] = np.minimum(shares[RARE], expected[RARE])
        shares /= shares.sum()
        moved = kinds * (shares / expected)
        moved /= moved.sum(axis=1, keepdims=True)
    return AtHome(states_of(moved), float(1 - shares[State.BLANK] - shares[State.ERASED]))


def kinds_of(states: MarkStates) -> Floats:
    """(n, 7): `State` with ticks and crosses taken out of FILLED and set behind."""
    probabilities = states.probabilities.astype(np.float64)
    ways = np.stack([states.tick, states.cross], axis=1).astype(np.float64)
    ways /= np.maximum(1, ways.sum(axis=1, keepdims=True))
    ways *= probabilities[:, State.FILLED, None]
    probabilities[:, State.FILLED] -= ways.sum(axis=1)
    return np.concatenate([np.maximum(probabilities, 0), ways], axis=1)


def states_of(kinds: Floats) -> MarkStates:
    """The way back from `kinds_of`."""
    probabilities = kinds[:, : len(State)].copy()
    probabilities[:, State.FILLED] += kinds[:, len(State) :].sum(axis=1)
    standing = np.maximum(probabilities[:, State.FILLED], 1e-12)
    return MarkStates(
        probabilities.astype(np.float32),
        (kinds[:, -2] / standing).astype(np.float32),
        (kinds[:, -1] / standing).astype(np.float32),
    )
