"""The top of a sheet: its title, lines for name, class and date, how to fill it, and the page's QR code."""

from dataclasses import dataclass
from typing import Final

import segno

from pipeline.answer_sheets.printing.ink import Ink
from pipeline.answer_sheets.printing.layout import HEIGHT_MM, LEFT_MM, PAGE_CODE_MM, RIGHT_MM, WIDTH_MM
from pipeline.answer_sheets.printing.placing import Area
from pipeline.answer_sheets.printing.words import Words

TITLE_Y_MM: Final = 17.0
TITLE_PT: Final = 15.0
LINE_STEP_MM: Final = 9.0
LINE_PT: Final = 9.0
LINE_START_MM: Final = 14.0
INSTRUCTION_PT: Final = 8.5
INSTRUCTION_STEP_MM: Final = 4.6
EXAMPLE_HALF_MM: Final = 1.7
EXAMPLE_STEP_MM: Final = 5.0
SMALL_PT: Final = 6.0
FAINT: Final = 0.45


@dataclass(frozen=True)
class Heading:
    """`instructions` a line each; `page_id` is what the QR code says."""

    title: str
    page_id: str
    instructions: tuple[str, ...]


def draw_heading(ink: Ink, area: Area | None, words: Words, heading: Heading) -> None:
    """Without an area only the title and the page's id are drawn, in the margins."""
    ink.text(
        WIDTH_MM / 2, TITLE_Y_MM, heading.title, size_pt=TITLE_PT, align=0.5, bold=True, room_mm=RIGHT_MM - LEFT_MM - 10
    )
    ink.text(WIDTH_MM / 2, HEIGHT_MM - 11, heading.page_id, size_pt=SMALL_PT, align=0.5, gray=FAINT)
    if area is None:
        return
    _draw_qr(ink, area.right - PAGE_CODE_MM, area.top, heading.page_id)
    y = area.top + LINE_STEP_MM - 3
    for label in words.lines:
        ink.text(area.left, y, label, size_pt=LINE_PT, room_mm=LINE_START_MM - 2)
        ink.line(area.left + LINE_START_MM, y + 1, area.right - PAGE_CODE_MM - 6, y + 1, gray=FAINT, line_mm=0.2)
        y += LINE_STEP_MM
    if y + len(heading.instructions) * INSTRUCTION_STEP_MM > area.bottom:
        return
    for instruction in heading.instructions:
        ink.text(area.left, y, instruction, size_pt=INSTRUCTION_PT, room_mm=area.right - area.left)
        y += INSTRUCTION_STEP_MM
    if y + 2 * EXAMPLE_HALF_MM <= area.bottom:
        _draw_examples(ink, area.left, y + EXAMPLE_HALF_MM, words)


def _draw_examples(ink: Ink, x: float, y: float, words: Words) -> None:
    """A bubble as it should be, and three as they should not: ticked, crossed, dotted."""
    half = EXAMPLE_HALF_MM
    x += ink.text(x, y + 1, words.right, size_pt=INSTRUCTION_PT) + EXAMPLE_STEP_MM * 0.7
    ink.disc(x, y, half)
    x += EXAMPLE_STEP_MM * 1.5
    x += ink.text(x, y + 1, words.wrong, size_pt=INSTRUCTION_PT) + EXAMPLE_STEP_MM * 0.7
    for place in range(3):
        ink.ellipse(x + place * EXAMPLE_STEP_MM, y, half, half, gray=FAINT, line_mm=0.2)
    ink.line(x - 0.9, y, x - 0.2, y + 0.9, gray=0, line_mm=0.4)
    ink.line(x - 0.2, y + 0.9, x + 1.3, y - 1.3, gray=0, line_mm=0.4)
    x += EXAMPLE_STEP_MM
    ink.line(x - 1, y - 1, x + 1, y + 1, gray=0, line_mm=0.4)
    ink.line(x - 1, y + 1, x + 1, y - 1, gray=0, line_mm=0.4)
    ink.disc(x + EXAMPLE_STEP_MM, y, 0.5)


def _draw_qr(ink: Ink, x: float, y: float, text: str) -> None:
    """The code in a square of PAGE_CODE_MM, without a quiet zone: the paper around it is blank."""
    matrix = segno.make(text, error="m", micro=False).matrix
    module = PAGE_CODE_MM / len(matrix)
    for row, modules in enumerate(matrix):
        for column, dark in enumerate(modules):
            if dark:
                ink.box(x + column * module, y + row * module, module * 1.02, module * 1.02)
