"""Labels of fields, of which several may be written as a range."""

import re

from pipeline.answer_sheets.importing.places import Place

RANGE = re.compile(r"^(?P<stem>[^.]*?[^.\d])(?P<first>\d+)\.{2,3}(?P<last>\d+)$")
LONGEST_RANGE = 1000


def labels_at(place: Place) -> tuple[str, ...]:
    """`q1..4` or `q1...4` is q1 to q4; any other label is itself."""
    label = place.text()
    found = RANGE.match(label)
    if found is None:
        return (label,)
    first, last = int(found["first"]), int(found["last"])
    if not first < last <= first + LONGEST_RANGE:
        place.refuse(f"{label!r} is no range of at most {LONGEST_RANGE} labels")
    return tuple(f"{found['stem']}{number}" for number in range(first, last + 1))
