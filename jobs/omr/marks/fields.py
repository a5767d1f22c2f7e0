"""From bubbles to fields: which values count as marked, and how sure that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import FieldKind

# An answer on which the engines differ is no more certain than this.
DISPUTED = 0.5


@dataclass(frozen=True)
class FieldMarks:
    """One field as read: `values` in the template's order. `whole` is false where a bubble lies off the page."""

    kind: FieldKind
    values: tuple[str, ...]
    confidence: float
    whole: bool


def fields_of(
    marked: NDArray[np.float64], form: Form, registered: Registered, *, check: NDArray[np.float64] | None
) -> dict[str, FieldMarks]:
    """By field name. `marked` (n,) are the bubbles' probabilities, `check` (n,) those of a second engine.

    The bubbles of a field are judged each for itself, so that a field is right when all of them are.
    """
    field = form.field_of_bubble
    starts = np.searchsorted(field, np.arange(len(form.fields)))
    is_marked = marked >= 0.5
    confidence = np.multiply.reduceat(np.where(is_marked, marked, 1 - marked), starts)
    if check is not None:
        disputed = np.logical_or.reduceat(is_marked != (check >= 0.5), starts)
        confidence = np.where(disputed, np.minimum(confidence, DISPUTED), confidence)
    whole = np.logical_and.reduceat(_on_page(registered), starts)
    found = {}
    for number, (template_field, start) in enumerate(zip(form.fields, starts, strict=True)):
        values = tuple(
            bubble.value for place, bubble in enumerate(template_field.bubbles, start=start) if is_marked[place]
        )
        found[template_field.name] = FieldMarks(
            template_field.kind, values, float(confidence[number]), bool(whole[number])
        )
    return found


def _on_page(registered: Registered) -> NDArray[np.bool_]:
    height, width = registered.gray.shape
    x, y = registered.positions.T
    return np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))
