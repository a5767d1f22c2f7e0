"""What a form says in words about its marks becomes its rules.

Read are clauses like `CROSS in a square box = marked; completely filled = cancelled (not marked)`: a way of marking,
an equals sign, a meaning. A clause without both says nothing about marks. A form that has no such clause keeps the
rules that every filled, ticked or crossed bubble is marked.
"""

import re

from pipeline.answer_sheets.template import MarkRules, Meaning

WAYS: dict[str, re.Pattern[str]] = {
    "cancelled": re.compile(r"\b(cancell?ed|struck|scribbled)\b"),
    "erased": re.compile(r"\b(erased|erasures?|rubbed out|white-?d? ?out)\b"),
    "partial": re.compile(r"\b(partial(ly)?|half|faint(ly)?)\b"),
    "cross": re.compile(r"\b(cross(es|ed)?|x-?marks?)\b"),
    "tick": re.compile(r"\b(ticks?|ticked|check ?marks?)\b"),
    "filled": re.compile(r"\b(filled|full|blacked|blackened|shaded)\b"),
}
# The first that fits: "not marked" also says "marked".
MEANINGS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (
    (Meaning.REVIEW, re.compile(r"\b(review|doubtful|ask)\b")),
    (Meaning.UNMARKED, re.compile(r"\b(cancell?ed|cancels|not marked|unmarked|ignored|void|blank|not counted)\b")),
    (Meaning.MARKED, re.compile(r"\b(marked|mark|chosen|selected|answer|counts?)\b")),
)
CLAUSE = re.compile(r"([^=;.\n]+)=([^=;.\n]+)")


def rules_of(text: str) -> MarkRules:
    said: dict[str, Meaning] = {}
    for clause in CLAUSE.finditer(text.lower()):
        ways = [name for name, pattern in WAYS.items() if pattern.search(clause[1])]
        meanings = [meaning for meaning, pattern in MEANINGS if pattern.search(clause[2])]
        if ways and meanings:
            said.setdefault(ways[0], meanings[0])
    return MarkRules(**said)
