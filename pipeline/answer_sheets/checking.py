"""Whether a template that can be opened also makes sense on paper."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.answer_sheets.template import Bubble, Fiducial, FiducialKind, Field, OutputKind, Template

PLACED_KINDS: Final = (
    FiducialKind.SQUARE,
    FiducialKind.RING,
    FiducialKind.BRACKET,
    FiducialKind.L_MARK,
    FiducialKind.CROSS,
    FiducialKind.MARKER_IMAGE,
)
# By these a page is found without any mark of a known place.
WHOLE_KINDS: Final = (FiducialKind.TIMING_TRACK, FiducialKind.PAGE_EDGE, FiducialKind.FORM, FiducialKind.WHOLE_IMAGE)
FEWEST_CORNERS: Final = 3


class Weight(StrEnum):
    """An `error` makes sheets unreadable or wrongly read; a `remark` is worth knowing."""

    ERROR = "error"
    REMARK = "remark"


@dataclass(frozen=True)
class Finding:
    weight: Weight
    place: str
    problem: str


@dataclass(frozen=True)
class _Placed:
    field: Field
    bubble: Bubble

    @property
    def place(self) -> str:
        return f"field {self.field.name!r}, bubble {self.bubble.value!r} at ({self.bubble.x:g}, {self.bubble.y:g})"


def findings(template: Template) -> tuple[Finding, ...]:
    """Everything that is found, errors first."""
    bubbles = [_Placed(field, bubble) for field in template.all_fields() for bubble in field.bubbles]
    found = [
        *_outside(template, bubbles),
        *_overlapping(bubbles),
        *_under_marks(template, bubbles),
        *_registration(template),
        *_meaning(template),
    ]
    return tuple(sorted(found, key=lambda finding: finding.weight is Weight.REMARK))


def _outside(template: Template, bubbles: list[_Placed]) -> Iterator[Finding]:
    width, height = template.frame.width, template.frame.height
    for placed in bubbles:
        x, y = placed.bubble.x, placed.bubble.y
        half_width, half_height = placed.field.half_width, placed.field.half_height
        if not (0 <= x <= width and 0 <= y <= height):
            yield Finding(Weight.ERROR, placed.place, f"outside the frame of {width:g} x {height:g}")
        elif x < half_width or y < half_height or x > width - half_width or y > height - half_height:
            yield Finding(Weight.REMARK, placed.place, f"cut by the edge of the frame of {width:g} x {height:g}")


def _overlapping(bubbles: list[_Placed]) -> Iterator[Finding]:
    """Pairs whose shapes touch; compared are only those in neighbouring cells as large as the largest bubble."""
    cell = 2 * max(max(placed.field.half_width, placed.field.half_height) for placed in bubbles)
    cells: dict[tuple[int, int], list[_Placed]] = defaultdict(list)
    for placed in bubbles:
        column, row = int(placed.bubble.x // cell), int(placed.bubble.y // cell)
        near = (cells[column + dx, row + dy] for dx in (-1, 0, 1) for dy in (-1, 0, 1))
        for other in (other for inside in near for other in inside):
            if _touch(placed, other):
                yield Finding(Weight.ERROR, placed.place, f"overlaps {other.place}")
        cells[column, row].append(placed)


def _touch(one: _Placed, other: _Placed) -> bool:
    across = abs(one.bubble.x - other.bubble.x) / (one.field.half_width + other.field.half_width)
    down = abs(one.bubble.y - other.bubble.y) / (one.field.half_height + other.field.half_height)
    return across**2 + down**2 < 1


def _under_marks(template: Template, bubbles: list[_Placed]) -> Iterator[Finding]:
    for fiducial in template.fiducials:
        if fiducial.at is None or fiducial.length is None or fiducial.kind is not FiducialKind.SQUARE:
            continue
        half = fiducial.length / 2
        for placed in bubbles:
            dx = abs(placed.bubble.x - fiducial.at[0]) - half - placed.field.half_width
            dy = abs(placed.bubble.y - fiducial.at[1]) - half - placed.field.half_height
            if dx < 0 and dy < 0:
                yield Finding(Weight.ERROR, placed.place, f"overlaps the mark {_name(fiducial)}")


def _registration(template: Template) -> Iterator[Finding]:
    if not template.fiducials:
        yield Finding(
            Weight.ERROR, "fiducials", "there are none; a form without marks needs {'kind': 'form'} to be found by"
        )
        return
    marks = [fiducial for fiducial in template.fiducials if fiducial.kind in PLACED_KINDS]
    placed = [fiducial for fiducial in marks if fiducial.at is not None]
    other = any(fiducial.kind in WHOLE_KINDS for fiducial in template.fiducials)
    if marks and len(placed) < FEWEST_CORNERS and not other:
        yield Finding(
            Weight.REMARK,
            "fiducials",
            f"the place (at) of {len(placed)} of {len(marks)} marks is known; a page is found faster and more surely "
            f"by {FEWEST_CORNERS} or more",
        )
    corners = [fiducial.corner for fiducial in placed if fiducial.corner is not None]
    for corner in sorted({corner for corner in corners if corners.count(corner) > 1}):
        yield Finding(Weight.REMARK, f"fiducials, corner {corner}", "more than one mark stands there")
    for fiducial in placed:
        yield from _far_outside(template, fiducial)


def _far_outside(template: Template, fiducial: Fiducial) -> Iterator[Finding]:
    assert fiducial.at is not None
    x, y = fiducial.at
    width, height = template.frame.width, template.frame.height
    if not (-width / 2 <= x <= 1.5 * width and -height / 2 <= y <= 1.5 * height):
        yield Finding(Weight.ERROR, f"fiducials, {_name(fiducial)}", f"far outside the frame of {width:g} x {height:g}")


def _meaning(template: Template) -> Iterator[Finding]:
    outputs = template.all_outputs()
    if not any(output.student for output in outputs):
        named = [output.name for output in outputs if output.kind is OutputKind.IDENTIFIER]
        which = f"; identifiers are {', '.join(named)}" if named else ""
        yield Finding(Weight.REMARK, "outputs", f"none is the student's number, so sheets find no student{which}")
    for field in template.all_fields():
        if len(field.bubbles) == 1:
            yield Finding(Weight.REMARK, f"field {field.name!r}", "it has one bubble only")


def _name(fiducial: Fiducial) -> str:
    where = fiducial.corner or fiducial.side or ""
    at = f" at ({fiducial.at[0]:g}, {fiducial.at[1]:g})" if fiducial.at else ""
    return f"{fiducial.kind} {where}".strip() + at
