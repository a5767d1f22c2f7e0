"""Which bubbles of a field are marked, all of them together: most fields hold one mark, few hold two."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# How often a field holds no mark, one, two, and so on: before a sheet is looked at, about what OMRChecker's and
# OpenMCR's samples hold. It counts for so many fields; what the sheet itself holds is added to it, and what the fields
# close by hold: who leaves off answering leaves off for the rest.
NO_MARK, ONE_MARK, EACH_MORE = 0.12, 0.84, 0.25
WORTH_FIELDS: Final = 8.0
WHOLE_SHEET_WORTH_FIELDS: Final = 4.0
CLOSE_FIELDS: Final = 3.0
# No bubble is surer than this: among a million bubbles some have something on them that nobody has thought of.
SUREST: Final = 1e-6
# More marks in one field are not told apart from this many.
MOST_MARKS: Final = 12


@dataclass(frozen=True)
class Decided:
    """For fields of equally many bubbles: `marked` (fields, bubbles) and how sure of each whole row (fields,)."""

    marked: NDArray[np.bool_]
    confidence: Floats


def decide(marked: Floats, review: Floats, *, share: float) -> Decided:
    """`marked` and `review` (fields, bubbles) are the probabilities that a bubble counts as marked, and that the rules
    leave it to a person; the rest counts as unmarked. `share` is the share of marks that they reckon with.

    Each bubble's odds are freed from that share, then all rows of marked and unmarked bubbles are weighed against each
    other by how often fields hold so many marks. Half of what is left to a person is
    lost to the row's confidence, as no side is taken.
    """
    sides = np.clip(marked + review / 2, SUREST, 1 - SUREST)
    evidence = np.log(sides / (1 - sides)) - np.log(share / (1 - share))
    bubbles = sides.shape[1]
    most = min(bubbles, MOST_MARKS)
    priors = _mark_counts((sides >= 0.5).sum(axis=1).clip(max=most), most) / _ways(bubbles, most)
    order = np.argsort(-evidence, axis=1, kind="stable")
    ranked = np.take_along_axis(evidence, order, axis=1)[:, :most]
    best = np.concatenate([np.zeros((len(sides), 1)), np.cumsum(ranked, axis=1)], axis=1)
    scores = np.exp(best) * priors
    count = scores.argmax(axis=1)
    rank = np.argsort(order, axis=1, kind="stable")
    likely = np.take_along_axis(scores, count[:, None], axis=1)[:, 0]
    confidence = likely / (_all_rows(np.exp(evidence), most) * priors).sum(axis=1)
    return Decided(rank < count[:, None], np.clip(confidence, 0, 1) * np.prod(1 - review / 2, axis=1))


def _mark_counts(seen: NDArray[np.intp], most: int) -> Floats:
    """(fields, most + 1) how often fields hold 0, 1, … marks, where fields stand in the form's order."""
    more = (1 - NO_MARK - ONE_MARK) * EACH_MORE ** np.arange(most - 1)
    usual = np.concatenate([[NO_MARK, ONE_MARK], more])[: most + 1]
    sheet = usual / usual.sum() * WORTH_FIELDS + np.bincount(seen, minlength=most + 1)
    close = _closeness(len(seen))
    counts = sheet / sheet.sum() * WHOLE_SHEET_WORTH_FIELDS + close @ np.eye(most + 1)[seen]
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


@lru_cache(maxsize=16)
def _closeness(fields: int) -> Floats:
    """(fields, fields) how much each field counts for each other one, and nothing for itself."""
    places = np.arange(fields)
    close = np.exp(-np.abs(places[:, None] - places) / CLOSE_FIELDS)
    np.fill_diagonal(close, 0)
    return np.asarray(close)


def _ways(bubbles: int, most: int) -> Floats:
    """(most + 1,) in how many ways 0, 1, … of the bubbles can be chosen."""
    chosen = np.arange(1, most + 1)
    return np.concatenate([[1.0], np.cumprod((bubbles - chosen + 1) / chosen)])


def _all_rows(odds: Floats, most: int) -> Floats:
    """(fields, most + 1) the summed odds of all rows with 0, 1, … marks: elementary symmetric polynomials."""
    sums = np.zeros((len(odds), most + 1))
    sums[:, 0] = 1
    for bubble in odds.T:
        sums[:, 1:] += sums[:, :-1] * bubble[:, None]
    return sums
