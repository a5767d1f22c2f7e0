"""What the states of bubbles count as on this sheet: the template's rules applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.adapting import at_home
from jobs.omr.marks.engine import MarkStates, State
from pipeline.answer_sheets.template import Meaning
from pipeline.contracts.omr import REVIEW_CONFIDENCE

Floats = NDArray[np.float64]

# A bubble marked at least this surely makes what is beside it in its field an afterthought.
SURELY: Final = 0.9
# What is erased so surely that no one would look, with no mark beside it, may be a faint mark. What is less surely so
# is print and paper, which vary on many a blank form.
FAINT: Final = REVIEW_CONFIDENCE


@dataclass(frozen=True)
class Meanings:
    """(n,) each: how likely a bubble counts as marked, and how likely the rules leave it to a person.

    `share` is the share of marks that these probabilities reckon with.
    """

    marked: Floats
    review: Floats
    share: float

    @property
    def sides(self) -> Floats:
        """How likely it is marked where no one is asked."""
        return np.asarray(self.marked + self.review / 2)


def meanings_of(states: MarkStates, form: Form) -> Meanings:
    """The template's rules applied to each bubble.

    A mark is a tick, a cross or else a fill. A partial one beside a mark that surely stands is what was left of a
    change of mind and counts as `erased`; alone in its field it may be all that a light hand gave and counts as
    `partial`. A cancelled one that no mark beside it replaces may be a mark by a heavy hand, what is surely erased
    one by a pencil that hardly shows: a person decides.
    """
    rules = form.template.rules
    fitted = at_home(states)
    states = fitted.states
    probabilities = states.probabilities.astype(np.float64)
    tick, cross = states.tick.astype(np.float64), states.cross.astype(np.float64)
    whole = np.maximum(1, tick + cross)
    tick, cross = tick / whole, cross / whole
    filled = probabilities[:, State.FILLED]
    standing = [
        (filled * (1 - tick - cross), rules.filled),
        (filled * tick, rules.tick),
        (filled * cross, rules.cross),
    ]
    beside = _beside_a_mark(_counting_as(Meaning.MARKED, standing), form)
    partial, cancelled, erased = (probabilities[:, state] for state in (State.PARTIAL, State.CANCELLED, State.ERASED))
    faint = ~beside & (erased > FAINT)
    all_kinds = [
        *standing,
        (erased * ~faint + partial * beside, rules.erased),
        (erased * faint, _alone(rules.erased)),
        (partial * ~beside, rules.partial),
        (cancelled * beside, rules.cancelled),
        (cancelled * ~beside, _alone(rules.cancelled)),
    ]
    return Meanings(
        _counting_as(Meaning.MARKED, all_kinds), _counting_as(Meaning.REVIEW, all_kinds), fitted.marked_share
    )


def _alone(meaning: Meaning) -> Meaning:
    """What a mark that was taken back counts as where no other stands instead."""
    return Meaning.REVIEW if meaning is Meaning.UNMARKED else meaning


def _counting_as(meaning: Meaning, kinds: Sequence[tuple[Floats, Meaning]]) -> Floats:
    return np.asarray(sum((likely for likely, means in kinds if means is meaning), np.zeros(len(kinds[0][0]))))


def _beside_a_mark(marked: Floats, form: Form) -> NDArray[np.bool_]:
    """(n,) whether another bubble of the same field is surely marked."""
    surely = marked > SURELY
    in_field = np.bincount(form.field_of_bubble, weights=surely)[form.field_of_bubble]
    return np.asarray(in_field - surely > 0)
