"""The marks that a page is registered by, drawn as `Fiducial` describes them."""

from typing import Final

from pipeline.answer_sheets.printing.ink import Ink
from pipeline.answer_sheets.printing.placing import Placed
from pipeline.answer_sheets.template import Corner, Fiducial, FiducialKind, Template
from pipeline.errors import Invalid

ARM_SHARE: Final = 0.5
RING_SHARE: Final = 0.22
BRACKET_LINE_MM: Final = 0.8
CROSS_LINE_MM: Final = 0.4
USUAL_MM: Final = 5.0
FEWEST: Final = 3

DRAWN: Final = (
    FiducialKind.SQUARE,
    FiducialKind.RING,
    FiducialKind.BRACKET,
    FiducialKind.L_MARK,
    FiducialKind.CROSS,
)


def draw_corner_marks(ink: Ink, template: Template, placed: Placed) -> None:
    """Raises `Invalid` for a template with fewer marks whose place and kind are known than a page is found by."""
    known = [fiducial for fiducial in template.fiducials if fiducial.kind in DRAWN and fiducial.at is not None]
    if len(known) < FEWEST:
        raise Invalid(
            "template_not_printable",
            f"template {template.name!r} has {len(known)} corner marks whose place is known; a page is found by "
            f"{FEWEST} or more. `academy omr sheet --questions N` makes a form that has them",
        )
    for fiducial in known:
        assert fiducial.at is not None
        length = fiducial.length * placed.scale if fiducial.length else USUAL_MM
        _draw(ink, fiducial, placed.at(*fiducial.at), length)


def _draw(ink: Ink, fiducial: Fiducial, at: tuple[float, float], length: float) -> None:
    x, y = at
    match fiducial.kind:
        case FiducialKind.SQUARE:
            ink.box(x - length / 2, y - length / 2, length, length)
        case FiducialKind.RING:
            line = RING_SHARE * length
            half = (length - line) / 2
            ink.ellipse(x, y, half, half, gray=0, line_mm=line)
            ink.disc(x, y, length * RING_SHARE / 2)
        case FiducialKind.CROSS:
            ink.line(x - length / 2, y, x + length / 2, y, gray=0, line_mm=CROSS_LINE_MM)
            ink.line(x, y - length / 2, x, y + length / 2, gray=0, line_mm=CROSS_LINE_MM)
        case FiducialKind.BRACKET:
            _arms(ink, fiducial.corner, at, length, thick=BRACKET_LINE_MM)
        case _:
            _arms(ink, fiducial.corner, at, length, thick=ARM_SHARE * length)


def _arms(ink: Ink, corner: Corner | None, at: tuple[float, float], length: float, *, thick: float) -> None:
    """Two arms from the outer corner `at` towards the page's middle."""
    x, y = at
    right = corner in (Corner.TOP_RIGHT, Corner.BOTTOM_RIGHT)
    low = corner in (Corner.BOTTOM_RIGHT, Corner.BOTTOM_LEFT)
    ink.box(x - length if right else x, y - thick if low else y, length, thick)
    ink.box(x - thick if right else x, y - length if low else y, thick, length)
