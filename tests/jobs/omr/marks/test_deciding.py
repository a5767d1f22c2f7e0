"""Fields decided as a whole, the template's rules, and what a sheet tells of itself."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest

from jobs.omr.marks.adapting import at_home
from jobs.omr.marks.confidence import confidence_of
from jobs.omr.marks.deciding import NO_MARK, ONE_MARK, decide
from jobs.omr.marks.engine import MarkStates, State
from jobs.omr.marks.fields import fields_of
from jobs.omr.marks.meaning import meanings_of
from jobs.omr.marks.pooling import pooled
from pipeline.answer_sheets.template import MarkRules, Meaning
from pipeline.contracts.omr import REVIEW_CONFIDENCE
from tests.jobs.omr.marks.drawn import Style, form_of, printed, registered

SHARE = 0.2


def states_of(
    count: int, at: Mapping[int, tuple[State, float]] | None = None, *, tick: float = 0.0, cross: float = 0.0
) -> MarkStates:
    """Blank bubbles, but for those given as `{3: (State.FILLED, 0.9)}`: likely that, and blank for the rest."""
    probabilities = np.zeros((count, len(State)), dtype=np.float32)
    probabilities[:, State.BLANK] = 1
    for place, (state, likely) in (at or {}).items():
        probabilities[place] = 0
        probabilities[place, [State.BLANK, state]] = 1 - likely, likely
    forms = [np.full(count, likely, dtype=np.float32) for likely in (tick, cross)]
    return MarkStates(probabilities, *forms)


def test_a_field_with_one_sure_mark_is_sure() -> None:
    decided = decide(np.array([[0.999, 0.001, 0.001, 0.001]]), np.zeros((1, 4)), share=SHARE)
    assert decided.marked.tolist() == [[True, False, False, False]]
    assert decided.confidence[0] > 0.995


def test_confidence_is_the_share_of_the_decided_row_among_all_rows() -> None:
    sides = np.array([[0.9, 0.3, 0.6]])
    decided = decide(sides, np.zeros((1, 3)), share=SHARE)
    odds = sides[0] / (1 - sides[0]) / (SHARE / (1 - SHARE))
    usual = np.array([NO_MARK, ONE_MARK, *(1 - NO_MARK - ONE_MARK) * 0.25 ** np.arange(2)])
    counts = usual / usual.sum() * 8 + np.array([0, 0, 1, 0])
    weights = {
        row: np.prod(odds[list(map(bool, row))]) * counts[sum(row)] / [1, 3, 3, 1][sum(row)]
        for row in product((0, 1), repeat=3)
    }
    best = max(weights, key=lambda row: weights[row])
    assert tuple(decided.marked[0].astype(int)) == best
    assert decided.confidence[0] == pytest.approx(weights[best] / sum(weights.values()))


def test_a_second_mark_needs_more_proof_than_a_first() -> None:
    alone = decide(np.array([[0.6, 0.001, 0.001, 0.001]]), np.zeros((1, 4)), share=SHARE)
    second = decide(np.array([[0.6, 0.999, 0.001, 0.001]]), np.zeros((1, 4)), share=SHARE)
    assert alone.marked[0, 0]
    assert not second.marked[0, 0]


def test_who_leaves_off_answering_leaves_off_for_the_rest() -> None:
    faint, sure, blank = [0.35, 0.001, 0.001], [0.999, 0.001, 0.001], [0.001, 0.001, 0.001]
    decided = decide(
        np.array([sure] * 4 + [faint] + [sure] * 4 + [blank] * 30 + [faint]), np.zeros((40, 3)), share=SHARE
    )
    assert decided.marked[4, 0]
    assert not decided.marked[39, 0]


def test_what_the_rules_leave_to_a_person_takes_the_confidence() -> None:
    decided = decide(np.array([[0.0, 0.0]]), np.array([[0.9, 0.0]]), share=SHARE)
    assert decided.confidence[0] < 0.6


FORM_BUBBLES = 5 * 20 + 60


def meaning(rules: MarkRules, states: MarkStates) -> tuple[float, float]:
    """Marked and review of the first bubble."""
    found = meanings_of(states, form_of(Style(), rules))
    return round(float(found.marked[0]), 2), round(float(found.review[0]), 2)


@pytest.mark.parametrize(
    ("rules", "states", "marked", "review"),
    [
        (MarkRules(), states_of(FORM_BUBBLES, {0: (State.FILLED, 1)}), 1, 0),
        (MarkRules(filled=Meaning.UNMARKED), states_of(FORM_BUBBLES, {0: (State.FILLED, 1)}), 0, 0),
        (MarkRules(filled=Meaning.UNMARKED), states_of(FORM_BUBBLES, {0: (State.FILLED, 1)}, cross=1), 1, 0),
        (MarkRules(tick=Meaning.UNMARKED), states_of(FORM_BUBBLES, {0: (State.FILLED, 1)}, tick=1), 0, 0),
        (MarkRules(cross=Meaning.REVIEW), states_of(FORM_BUBBLES, {0: (State.FILLED, 1)}, cross=1), 0, 1),
        (MarkRules(), states_of(FORM_BUBBLES, {0: (State.PARTIAL, 1)}), 0, 1),
        (MarkRules(partial=Meaning.MARKED), states_of(FORM_BUBBLES, {0: (State.PARTIAL, 1)}), 1, 0),
        (MarkRules(), states_of(FORM_BUBBLES, {0: (State.PARTIAL, 1), 1: (State.FILLED, 1)}), 0, 0),
        (MarkRules(), states_of(FORM_BUBBLES, {0: (State.ERASED, 1)}), 0, 1),
        (MarkRules(), states_of(FORM_BUBBLES, {0: (State.ERASED, 0.4)}), 0, 0),
        (MarkRules(), states_of(FORM_BUBBLES, {0: (State.ERASED, 1), 1: (State.FILLED, 1)}), 0, 0),
        (MarkRules(erased=Meaning.MARKED), states_of(FORM_BUBBLES, {0: (State.ERASED, 1)}), 1, 0),
        (MarkRules(erased=Meaning.REVIEW), states_of(FORM_BUBBLES, {0: (State.ERASED, 1)}), 0, 1),
        (MarkRules(), states_of(FORM_BUBBLES, {0: (State.CANCELLED, 1)}), 0, 1),
        (MarkRules(), states_of(FORM_BUBBLES, {0: (State.CANCELLED, 1), 1: (State.FILLED, 1)}), 0, 0),
        (MarkRules(cancelled=Meaning.MARKED), states_of(FORM_BUBBLES, {0: (State.CANCELLED, 1)}), 1, 0),
    ],
)
def test_each_way_of_marking_means_what_the_template_says(
    rules: MarkRules, states: MarkStates, marked: float, review: float
) -> None:
    assert meaning(rules, states) == (marked, review)


def test_a_doubtful_cross_is_likelier_on_a_sheet_of_crosses() -> None:
    alone = states_of(100, {0: (State.FILLED, 0.5)}, cross=1)
    among = states_of(100, {place: (State.FILLED, 0.5 if place == 0 else 1.0) for place in range(40)}, cross=1)
    among_others, by_itself = (at_home(each).states.probabilities[0, State.FILLED] for each in (among, alone))
    assert among_others > by_itself + 0.2


def test_where_two_engines_differ_the_answer_goes_to_review() -> None:
    form = form_of(Style())
    found = registered(printed(form, Style()), form)
    sure = meanings_of(states_of(FORM_BUBBLES, {0: (State.FILLED, 1), 5: (State.FILLED, 1)}), form)
    other = meanings_of(states_of(FORM_BUBBLES, {1: (State.FILLED, 1), 5: (State.FILLED, 1)}), form)
    alone = fields_of(sure, form, found)
    checked = fields_of(sure, form, found, engines=(sure, other))
    assert alone["q1"].confidence > 0.99
    disputed, agreed = confidence_of(np.array([0.5, alone["q2"].confidence]))
    assert (checked["q1"].values, checked["q1"].confidence) == (("A",), disputed)
    assert checked["q2"].confidence == agreed
    assert disputed < REVIEW_CONFIDENCE < 0.99 < agreed


def test_an_answer_is_no_surer_than_the_first_engine_is() -> None:
    form = form_of(Style())
    found = registered(printed(form, Style()), form)
    sure = meanings_of(states_of(FORM_BUBBLES, {0: (State.FILLED, 1)}), form)
    unsure = meanings_of(states_of(FORM_BUBBLES, {0: (State.FILLED, 0.95)}), form)
    both, first, neither = (
        fields_of(sure, form, found, engines=engines)["q1"].confidence
        for engines in ((sure, sure), (unsure, sure), (unsure, unsure))
    )
    assert neither == first < 0.99 < both
    weight = fields_of(unsure, form, found)["q1"].confidence
    assert first == confidence_of(np.array([weight]))[0]


def test_a_mark_that_both_engines_half_believe_is_believed_more_than_what_only_one_thinks_of() -> None:
    shaped = states_of(2, {0: (State.FILLED, 0.6)}).probabilities.copy()
    measured = shaped.copy()
    shaped[0], measured[0] = (0, 0.6, 0, 0.4, 0), (0.4, 0.6, 0, 0, 0)
    none = np.zeros(2, np.float32)
    both = pooled(MarkStates(shaped, none, none), MarkStates(measured, none, none)).probabilities
    assert both[0, State.FILLED] > 0.98
    assert np.allclose(both.sum(axis=1), 1)


def test_states_of_a_batch_are_taken_apart_sheet_by_sheet() -> None:
    parts = states_of(5, {4: (State.FILLED, 1)}).split([2, 3])
    assert [len(part) for part in parts] == [2, 3]
    assert parts[1].probabilities[2, State.FILLED] == 1
    with pytest.raises(ValueError, match="5 states"):
        states_of(5).split([2, 2])
