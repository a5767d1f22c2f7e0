"""FormScanner's .xtmpl: corners and the centre of every bubble, in pixels of the scan that it was made on.

The file does not say how large that scan is. The frame ends as far beyond the last mark as it begins before the first
one; registration works by the corners, so nothing depends on it.
"""

from pathlib import Path

from pipeline.answer_sheets.importing.grouping import as_columns, grouped, kind_of_values
from pipeline.answer_sheets.importing.opened import OpenedTemplate, built, refuse_too_many
from pipeline.answer_sheets.importing.xml_tree import Element
from pipeline.answer_sheets.template import Bubble, Corner, Fiducial, FiducialKind, Field, Frame, Shape, Template

CORNERS = {
    "TOP_LEFT": Corner.TOP_LEFT,
    "TOP_RIGHT": Corner.TOP_RIGHT,
    "BOTTOM_RIGHT": Corner.BOTTOM_RIGHT,
    "BOTTOM_LEFT": Corner.BOTTOM_LEFT,
}
# ROUND are filled dots: dark all through and as wide as high, as squares are.
CORNER_KINDS = {"ANGULAR": FiducialKind.BRACKET, "ROUND": FiducialKind.SQUARE}
SHAPES = {"CIRCLE": Shape.CIRCLE, "SQUARE": Shape.SQUARE}


def open_formscanner(root: Element, path: Path) -> OpenedTemplate:
    holder = root.get("fields")
    shape = SHAPES.get(holder.attributes.get("shape", "CIRCLE").upper(), Shape.CIRCLE)
    # FormScanner draws a bubble this far to each side of its centre.
    half = holder.number("size") if "size" in holder.attributes else 15.0
    if half <= 0:
        holder.refuse(f"size={half:g} is not above 0")
    questions = [*holder.each("question"), *(q for group in holder.each("group") for q in group.each("question"))]
    fields = tuple(_field(question, shape, half) for question in questions)
    if not fields:
        holder.refuse("it has no <question>")
    refuse_too_many(path.name, sum(len(field.bubbles) for field in fields))
    fiducials = _corners(root)
    outputs = grouped(fields)
    template = built(
        path.name,
        Template,
        name=path.stem,
        frame=_frame(fields, fiducials),
        fiducials=fiducials or (Fiducial(kind=FiducialKind.FORM),),
        fields=as_columns(fields, outputs),
        outputs=outputs,
    )
    return OpenedTemplate(template)


def _corners(root: Element) -> tuple[Fiducial, ...]:
    holder = root.find("corners")
    if holder is None:
        return ()
    kind = CORNER_KINDS.get(holder.attributes.get("type", "").upper(), FiducialKind.SQUARE)
    found = []
    for corner in holder.each("corner"):
        position = corner.text("position")
        if position not in CORNERS:
            corner.refuse(f"position={position!r} is none of {', '.join(CORNERS)}")
        point = corner.get("point")
        found.append(Fiducial(kind=kind, corner=CORNERS[position], at=(point.number("x"), point.number("y"))))
    return tuple(found)


def _field(question: Element, shape: Shape, half: float) -> Field:
    values = [_bubble(value) for value in question.get("values").each("value")]
    # The file lists them in no order.
    by_rows = question.attributes.get("type", "").upper() == "QUESTIONS_BY_ROWS"
    values.sort(key=lambda bubble: (bubble.x, bubble.y) if by_rows else (round(bubble.y / half), bubble.x))
    return built(
        f"{question.place}, <question>",
        Field,
        name=question.text("question"),
        kind=kind_of_values(bubble.value for bubble in values),
        shape=shape,
        half_width=half,
        half_height=half,
        bubbles=tuple(values),
    )


def _bubble(value: Element) -> Bubble:
    point = value.get("point")
    return built(
        f"{value.place}, <value>", Bubble, value=value.text("response"), x=point.number("x"), y=point.number("y")
    )


def _frame(fields: tuple[Field, ...], fiducials: tuple[Fiducial, ...]) -> Frame:
    bubbles = [(bubble.x, bubble.y) for field in fields for bubble in field.bubbles]
    points = [fiducial.at for fiducial in fiducials if fiducial.at] + bubbles
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Frame(width=max(xs) + max(min(xs), 1.0), height=max(ys) + max(min(ys), 1.0))
