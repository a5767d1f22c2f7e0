"""Bubbles with their letters, the numbers of questions, and the boxes in which a number is written."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from pipeline.answer_sheets.importing.naming import is_question
from pipeline.answer_sheets.printing.ink import PT_PER_MM, Ink
from pipeline.answer_sheets.printing.placing import Area, Placed, around
from pipeline.answer_sheets.printing.words import Words
from pipeline.answer_sheets.template import Bubble, Field, Output, OutputKind, Shape

# Thin and gray, so that a mark stands out and a scanner still sees where the bubble is.
OUTLINE_GRAY: Final = 0.4
OUTLINE_MM: Final = 0.22
LETTER_GRAY: Final = 0.66
LARGEST_LETTER_PT: Final = 7.5
# Of a bubble's height; capitals of Helvetica are 0.72 of the font's size high.
LETTER_SHARE: Final = 0.68
CAPITAL_SHARE: Final = 0.72
NUMBER_PT: Final = 8.5
LABEL_PT: Final = 8.0
BESIDE_MM: Final = 1.8
NAME_ROOM_MM: Final = 20.0
WRITE_IN_MM: Final = 6.6
WRITE_IN_GAP_MM: Final = 1.2
WRITE_IN_GRAY: Final = 0.45


def draw_output(ink: Ink, output: Output, fields: Sequence[Field], placed: Placed, words: Words) -> Area:
    """Draw it; returns what it takes of the page."""
    areas = [_draw_bubble(ink, field, bubble, placed) for field in fields for bubble in field.bubbles]
    if output.kind is OutputKind.QUESTION:
        _name_question(ink, output, areas)
        return around(areas)
    columns = [_column(field, placed) for field in fields]
    if all(column.bottom - column.top > column.right - column.left for column in columns):
        label = words.number_label(len(fields)) if output.student else output.name.replace("_", " ")
        return around([*areas, _write_in(ink, label, columns)])
    _name_question(ink, output, areas)
    return around(areas)


def _draw_bubble(ink: Ink, field: Field, bubble: Bubble, placed: Placed) -> Area:
    x, y = placed.at(bubble.x, bubble.y)
    half_width, half_height = field.half_width * placed.scale, field.half_height * placed.scale
    if field.shape is Shape.CIRCLE:
        ink.ellipse(x, y, half_width, half_height, gray=OUTLINE_GRAY, line_mm=OUTLINE_MM)
    else:
        ink.outline(
            x - half_width, y - half_height, 2 * half_width, 2 * half_height, gray=OUTLINE_GRAY, line_mm=OUTLINE_MM
        )
    size = min(LARGEST_LETTER_PT, LETTER_SHARE * 2 * half_height * PT_PER_MM)
    low = CAPITAL_SHARE * size / PT_PER_MM / 2
    if len(bubble.value) <= 2:
        ink.text(x, y + low, bubble.value, size_pt=size, gray=LETTER_GRAY, align=0.5, room_mm=1.5 * half_width)
    else:
        ink.text(x + half_width + BESIDE_MM, y + low, bubble.value, size_pt=LABEL_PT)
    return Area(x - half_width, y - half_height, x + half_width, y + half_height)


def _name_question(ink: Ink, output: Output, areas: Sequence[Area]) -> None:
    """Its number to the left of its first bubble."""
    first = areas[0]
    name = output.name[1:].lstrip("_.- ") if is_question(output.name) else output.name
    low = (first.top + first.bottom) / 2 + CAPITAL_SHARE * NUMBER_PT / PT_PER_MM / 2
    ink.text(first.left - BESIDE_MM, low, name, size_pt=NUMBER_PT, align=1, room_mm=NAME_ROOM_MM, bold=True)


def _column(field: Field, placed: Placed) -> Area:
    corners = [placed.at(bubble.x, bubble.y) for bubble in field.bubbles]
    half_width, half_height = field.half_width * placed.scale, field.half_height * placed.scale
    return around(Area(x - half_width, y - half_height, x + half_width, y + half_height) for x, y in corners)


def _write_in(ink: Ink, label: str, columns: Sequence[Area]) -> Area:
    """A box above each column, and what belongs into them above that."""
    whole = around(columns)
    bottom = whole.top - WRITE_IN_GAP_MM
    half = min(
        WRITE_IN_MM / 2,
        min((b.left - a.left for a, b in pairwise(columns)), default=WRITE_IN_MM) / 2,
    )
    for column in columns:
        middle = (column.left + column.right) / 2
        ink.outline(middle - half, bottom - WRITE_IN_MM, 2 * half, WRITE_IN_MM, gray=WRITE_IN_GRAY, line_mm=OUTLINE_MM)
    top = bottom - WRITE_IN_MM - WRITE_IN_GAP_MM
    ink.text(whole.left, top, label, size_pt=LABEL_PT, room_mm=max(whole.right - whole.left, NAME_ROOM_MM))
    return Area(whole.left, top - LABEL_PT / PT_PER_MM, whole.right, whole.bottom)
