"""What the states of bubbles count as on this sheet: the template's rules applied."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.engine import MarkStates, State
from pipeline.answer_sheets.template import MarkRules, Meaning

# How much of the probability of a state goes to "marked". Half each way leaves no confidence, which is what sends an
# answer to review.
SHARE: Final = {Meaning.MARKED: 1.0, Meaning.REVIEW: 0.5, Meaning.UNMARKED: 0.0}


def marked_probability(states: MarkStates, form: Form) -> NDArray[np.float64]:
    """(n,) how likely each bubble is one that counts as marked.

    A mark is a tick, a cross or else a fill. A trace beside a mark that stands is what was left of a change of mind
    and counts as `erased`; one that is alone in its field may be all that a light hand gave and counts as `partial`.
    """
    rules = form.template.rules
    probabilities = states.probabilities.astype(np.float64)
    standing = probabilities[:, State.FILLED] * _standing_share(states, rules)
    traces = np.where(_beside_a_mark(standing, form), SHARE[rules.erased], SHARE[rules.partial])
    cancelled = probabilities[:, State.CANCELLED] * SHARE[rules.cancelled]
    return np.asarray(np.clip(standing + probabilities[:, State.PARTIAL] * traces + cancelled, 0, 1))


def _standing_share(states: MarkStates, rules: MarkRules) -> NDArray[np.float64]:
    tick, cross = states.tick.astype(np.float64), states.cross.astype(np.float64)
    other = np.maximum(1, tick + cross)
    tick, cross = tick / other, cross / other
    return np.asarray(tick * SHARE[rules.tick] + cross * SHARE[rules.cross] + (1 - tick - cross) * SHARE[rules.filled])


def _beside_a_mark(standing: NDArray[np.float64], form: Form) -> NDArray[np.bool_]:
    """(n,) whether another bubble of the same field surely stands."""
    sure = standing > 0.9
    in_field = np.bincount(form.field_of_bubble, weights=sure)[form.field_of_bubble]
    return np.asarray(in_field - sure > 0)
