"""A template as a printable A4 page: its marks, its bubbles, and around them what a student needs to know."""

from collections.abc import Sequence

from pipeline.answer_sheets.printing.corner_marks import draw_corner_marks
from pipeline.answer_sheets.printing.heading import Heading, draw_heading
from pipeline.answer_sheets.printing.ink import Ink
from pipeline.answer_sheets.printing.layout import HEIGHT_MM, WIDTH_MM
from pipeline.answer_sheets.printing.options import Language
from pipeline.answer_sheets.printing.outputs import draw_output
from pipeline.answer_sheets.printing.placing import heading_area, placed_on_a4
from pipeline.answer_sheets.printing.words import WORDS
from pipeline.answer_sheets.template import OutputKind, Template
from pipeline.answer_sheets.versioning import content_digest


def page_id(template: Template) -> str:
    """What a page's QR code says: the same for the same template, so that it can be found again."""
    return f"OMR1-{content_digest(template)[:12].upper()}"


def sheet_pdf(
    template: Template, language: Language, *, title: str | None = None, page_ids: Sequence[str] = ()
) -> bytes:
    """A page for each page id, one with the template's own where none is given.

    Raises `Invalid` for a template without corner marks that can be drawn.
    """
    words = WORDS[language]
    placed = placed_on_a4(template.frame)
    ink = Ink(width_mm=WIDTH_MM, height_mm=HEIGHT_MM, title=title or words.title)
    by_name = {field.name: field for field in template.all_fields()}
    for number, code in enumerate(page_ids or (page_id(template),)):
        if number:
            ink.next_page()
        draw_corner_marks(ink, template, placed)
        areas = {
            output: draw_output(ink, output, [by_name[name] for name in output.fields], placed, words)
            for output in template.all_outputs()
        }
        questions = [area for output, area in areas.items() if output.kind is OutputKind.QUESTION]
        identifiers = [area for output, area in areas.items() if output.kind is OutputKind.IDENTIFIER]
        area = heading_area(questions, identifiers)
        instructions = words.instructions_for(number_asked=bool(identifiers))
        draw_heading(ink, area, words, Heading(title or words.title, code, instructions))
    return ink.finish()
