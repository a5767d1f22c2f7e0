"""From bubbles to fields: which values count as marked, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.confidence import confidence_of
from jobs.omr.marks.deciding import decide
from jobs.omr.marks.meaning import Meanings
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import FieldKind

# No more than this speaks for an answer on which the engines differ, or on a page that may be read amiss as a whole.
DISPUTED = 0.5
# Fields of fewer bubbles, or fewer fields, may well be marked all over.
MANY_BUBBLES = 4
MANY_FIELDS = 10


@dataclass(frozen=True)
class FieldMarks:
    """One field as read: `values` are those of its `options` that are marked, in the template's order. `whole` is false
    where a bubble lies off the page.
    """

    kind: FieldKind
    options: tuple[str, ...]
    values: tuple[str, ...]
    confidence: float
    whole: bool


def fields_of(
    meanings: Meanings, form: Form, registered: Registered, *, engines: Sequence[Meanings] = ()
) -> dict[str, FieldMarks]:
    """By field name; `engines` as for `weighed`. Where there are two, a confidence is how often they are right who are
    as sure together.
    """
    marked, weight = weighed(meanings, form, engines=engines)
    confidence = confidence_of(weight) if engines else weight
    if registered.undecided or _crowded(marked, form):
        confidence = np.minimum(confidence, DISPUTED)
    whole = np.logical_and.reduceat(_on_page(registered), _starts(form))
    marks = iter(marked.tolist())
    found = {}
    for field, options, sure, on_page in zip(
        form.fields, form.options, confidence.tolist(), whole.tolist(), strict=True
    ):
        # As many of the marks as the field has options: those of the form's bubbles stand in one row.
        values = tuple(
            value for value, is_marked in zip(options, islice(marks, len(options)), strict=True) if is_marked
        )
        found[field.name] = FieldMarks(field.kind, options, values, sure, on_page)
    return found


def weighed(
    meanings: Meanings, form: Form, *, engines: Sequence[Meanings] = ()
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(n,) which bubbles are marked, (fields,) how much speaks for that, from 0 to 1.

    `engines` are those whose words `meanings` puts together, the better one first: a field is no surer than that one
    is, and in dispute where one of them alone would read it otherwise.
    """
    marked, weight = _decided(meanings, form)
    for place, engine in enumerate(engines):
        alone, sure = _decided(engine, form)
        differs = np.logical_or.reduceat(marked != alone, _starts(form))
        weight = np.minimum(weight, np.where(differs, DISPUTED, sure if place == 0 else 1.0))
    return marked, weight


def _crowded(marked: NDArray[np.bool_], form: Form) -> bool:
    """Whether most fields with many bubbles hold three marks or more: nobody answers so, and what was read is not what
    the template says is there.
    """
    counts = np.bincount(form.field_of_bubble)
    marks = np.bincount(form.field_of_bubble, weights=marked)[counts >= MANY_BUBBLES]
    return len(marks) >= MANY_FIELDS and float(np.mean(marks >= 3)) > 0.5


def _decided(meanings: Meanings, form: Form) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(n,) which bubbles are marked, (fields,) how sure; fields with equally many bubbles are decided together."""
    starts = _starts(form)
    counts = np.bincount(form.field_of_bubble)
    marked = np.zeros(len(form.field_of_bubble), dtype=bool)
    confidence = np.zeros(len(starts))
    for count in np.unique(counts):
        some = np.flatnonzero(counts == count)
        places = starts[some, None] + np.arange(count)
        decided = decide(meanings.marked[places], meanings.review[places], share=meanings.share)
        marked[places], confidence[some] = decided.marked, decided.confidence
    return marked, confidence


def _starts(form: Form) -> NDArray[np.intp]:
    """(fields,) the place of each field's first bubble."""
    return np.searchsorted(form.field_of_bubble, np.arange(len(form.fields)))


def _on_page(registered: Registered) -> NDArray[np.bool_]:
    height, width = registered.gray.shape
    x, y = registered.positions.T
    return np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))
