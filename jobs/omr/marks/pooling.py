"""Two engines' words made one: a mark that both take for one stands, though neither is sure of it.

One engine sees pixels and the other a few measured numbers, so that what misleads one seldom misleads the other. Their
probabilities are multiplied and brought to a sum of one, each to the power of its share (the logarithmic opinion pool
of Genest and Zidek, Statistical Science 1, 1986). With equal shares that sum to one it is no surer than its members.
"""

from typing import Final

import numpy as np

from jobs.omr.marks.adapting import kinds_of, states_of
from jobs.omr.marks.engine import MarkStates

# No engine rules a kind out for the other.
LEAST_LIKELY: Final = 1e-5


def pooled(first: MarkStates, second: MarkStates) -> MarkStates:
    """Of the same bubbles in the same order."""
    likely = [np.maximum(kinds_of(states), LEAST_LIKELY) for states in (first, second)]
    together = np.sqrt(likely[0] * likely[1])
    return states_of(together / together.sum(axis=1, keepdims=True))
