"""Which fields are reported together: the digits of a student number, the two columns of a number asked for.

A form that says so itself is believed. Otherwise:

1. digit and letter fields whose names differ only in the number at their end belong together, in the numbers' order;
2. where what is before that number ends in a digit itself (`q6_1`, `q6_2`) they are one question, else an identifier
   of that name; a stem of one letter (`b1` to `b7`) takes the name of the group that lists these fields;
3. a choice field that stands as one more column of an identifier's grid, its first row level and its pitch the same,
   is a place of that identifier, such as the letter before or after a matriculation number;
4. the student's identifier is the one whose name says so, else the only one that is no other kind of code.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from pipeline.answer_sheets.importing.naming import identifier_name, is_question, question_name, stem_and_number
from pipeline.answer_sheets.template import Field, FieldKind, Output, OutputKind

# Best first; names are `identifier_name`s.
STUDENT_NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        r"student|pupil|learner|학생|학번|수험",
        r"roll|matric|candidate|regist|enrol|admission|examinee",
        r"(^|_)(id|number|no|num)$",
        r"mobile|phone",
    )
)
OTHER_CODES = re.compile(r"book|test|form|course|subject|version|group|page|set|date|dob|birth|name|medium|paper")

DIGITS = frozenset("0123456789")

# Shares of the grid's own steps.
LEVEL_WITHIN = 0.5
PITCH_WITHIN = 0.2
NEXT_COLUMN = (0.5, 1.5)


@dataclass(frozen=True)
class Group:
    """Fields that a form lists together, by what it calls them."""

    name: str
    fields: tuple[str, ...]


def grouped(fields: Sequence[Field], groups: Sequence[Group] = ()) -> tuple[Output, ...]:
    """Outputs by the rules above. Single choices get one only where they are called otherwise than their field."""
    joined = [_with_neighbours(run, fields) for run in _numbered_runs(fields)]
    outputs = [_output_of(run, groups) for run in joined]
    used = {field.name for run in joined for field in run}
    taken = {output.name for output in outputs}
    for field in fields:
        name = _lone_name(field)
        if field.name not in used and name not in taken and (name != field.name or _is_code(field)):
            outputs.append(Output(name=name, kind=_kind_of(field), fields=(field.name,)))
            taken.add(name)
    return with_student(outputs)


def with_student(outputs: Iterable[Output]) -> tuple[Output, ...]:
    """The same outputs, the one that names the student marked; none where that cannot be told."""
    listed = tuple(outputs)
    own = [o for o in listed if o.kind is OutputKind.IDENTIFIER and not OTHER_CODES.search(o.name)]
    by_name = (output for pattern in STUDENT_NAMES for output in own if pattern.search(output.name))
    student = next(by_name, own[0] if len(own) == 1 else None)
    return tuple(output.model_copy(update={"student": output is student}) for output in listed)


def kind_of_values(values: Iterable[str]) -> FieldKind:
    """What a form that does not say so means by its values: 0 to 9 are a digit, a whole alphabet is a letter."""
    found = set(values)
    if found == DIGITS:
        return FieldKind.DIGIT
    if len(found) >= 20 and all(len(value) == 1 and value.isalpha() for value in found):
        return FieldKind.LETTER
    return FieldKind.CHOICE


def as_columns(fields: Iterable[Field], outputs: Iterable[Output]) -> tuple[Field, ...]:
    """The fields, those that an identifier joined to its columns being letters."""
    joined = {name for output in outputs if len(output.fields) > 1 for name in output.fields}
    return tuple(
        field.model_copy(update={"kind": FieldKind.LETTER})
        if field.name in joined and field.kind is FieldKind.CHOICE
        else field
        for field in fields
    )


def _numbered_runs(fields: Sequence[Field]) -> list[list[Field]]:
    numbered = [
        (found, field)
        for field in fields
        if _is_code(field) and (found := stem_and_number(field.name)) is not None and not is_question(field.name)
    ]
    numbered.sort(key=lambda pair: pair[0])
    return [[field for _, field in run] for _, run in groupby(numbered, key=lambda pair: pair[0][0])]


def _output_of(run: Sequence[Field], groups: Sequence[Group]) -> Output:
    names = tuple(field.name for field in run)
    codes = [name for name in names if stem_and_number(name) is not None]
    stem = next(found[0] for field in run if _is_code(field) and (found := stem_and_number(field.name)))
    if stem[-1].isdigit():
        return Output(name=question_name(stem), fields=names)
    if len(stem) == 1:
        stem = next((group.name for group in groups if set(group.fields) in (set(codes), set(names))), stem)
    return Output(name=identifier_name(stem), kind=OutputKind.IDENTIFIER, fields=names)


def _with_neighbours(run: list[Field], fields: Sequence[Field]) -> list[Field]:
    """The run with the choice fields that stand as columns of its grid, from left to right."""
    if len(run) < 2 or not all(_is_column(field) for field in run):
        return run
    others = [field for field in fields if field.kind is FieldKind.CHOICE and _is_column(field)]
    step = _median([second.bubbles[0].x - first.bubbles[0].x for first, second in pairwise(run)])
    grid = list(run)
    while found := next((other for other in others if other not in grid and _continues(grid, other, step)), None):
        grid = [found, *grid] if found.bubbles[0].x < grid[0].bubbles[0].x else [*grid, found]
    return grid


def _continues(grid: Sequence[Field], other: Field, step: float) -> bool:
    inside = next(field for field in grid if field.kind is not FieldKind.CHOICE)
    pitch = _pitch(inside)
    gap = min(abs(other.bubbles[0].x - grid[0].bubbles[0].x), abs(other.bubbles[0].x - grid[-1].bubbles[0].x))
    return (
        abs(other.bubbles[0].y - inside.bubbles[0].y) <= LEVEL_WITHIN * pitch
        and abs(_pitch(other) - pitch) <= PITCH_WITHIN * pitch
        and NEXT_COLUMN[0] * step <= gap <= NEXT_COLUMN[1] * step
    )


def _is_code(field: Field) -> bool:
    return field.kind is not FieldKind.CHOICE


def _is_column(field: Field) -> bool:
    xs = [bubble.x for bubble in field.bubbles]
    ys = [bubble.y for bubble in field.bubbles]
    return len(ys) > 1 and ys == sorted(ys) and max(xs) - min(xs) <= 2 * field.half_width


def _pitch(field: Field) -> float:
    return _median([second.y - first.y for first, second in pairwise(field.bubbles)])


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _lone_name(field: Field) -> str:
    return identifier_name(field.name) if _is_code(field) and not is_question(field.name) else question_name(field.name)


def _kind_of(field: Field) -> OutputKind:
    return OutputKind.IDENTIFIER if _is_code(field) and not is_question(field.name) else OutputKind.QUESTION
