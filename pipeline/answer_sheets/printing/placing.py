"""How a template's frame lies on an A4 page, and which parts of the page its outputs take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.answer_sheets.printing.layout import HEIGHT_MM, LEFT_MM, MARGIN_MM, RIGHT_MM, WIDTH_MM
from pipeline.answer_sheets.template import Frame

HEADING_TOP_MM: Final = 24.0
BESIDE_MM: Final = 8.0
ABOVE_MM: Final = 7.0
SMALLEST_HEADING_MM: Final = (70.0, 30.0)


@dataclass(frozen=True)
class Placed:
    """How frame units lie on the paper: millimetres = offset + scale * units."""

    scale: float
    x: float
    y: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.x + self.scale * x, self.y + self.scale * y


@dataclass(frozen=True)
class Area:
    """A part of the page, in millimetres."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Area") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def placed_on_a4(frame: Frame) -> Placed:
    """A frame tied to paper keeps its size where it fits; any other fills the page within the margins."""
    scale = frame.mm_per_unit
    if scale is None or frame.width * scale > WIDTH_MM or frame.height * scale > HEIGHT_MM:
        scale = min((WIDTH_MM - 2 * MARGIN_MM) / frame.width, (HEIGHT_MM - 2 * MARGIN_MM) / frame.height)
    return Placed(scale, (WIDTH_MM - frame.width * scale) / 2, (HEIGHT_MM - frame.height * scale) / 2)


def around(areas: Iterable[Area]) -> Area:
    listed = tuple(areas)
    return Area(
        min(area.left for area in listed),
        min(area.top for area in listed),
        max(area.right for area in listed),
        max(area.bottom for area in listed),
    )


def heading_area(questions: Sequence[Area], identifiers: Sequence[Area]) -> Area | None:
    """The room above the questions and beside the student's number; None where a form leaves none."""
    first = min((area.top for area in questions), default=HEIGHT_MM - LEFT_MM)
    above = [area for area in identifiers if area.top < first]
    left = max((area.right + BESIDE_MM for area in above), default=LEFT_MM)
    area = Area(left, HEADING_TOP_MM, RIGHT_MM, first - ABOVE_MM)
    width, height = SMALLEST_HEADING_MM
    fits = area.right - area.left >= width and area.bottom - area.top >= height
    free = not any(area.meets(other) for other in (*questions, *identifiers))
    return area if fits and free else None
