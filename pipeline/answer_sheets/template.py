"""What a printed answer sheet looks like: where its bubbles are, what they mean, and by what a page is registered.

All lengths are in the template's own frame units, x to the right and y down from the frame's top left corner.
`mm_per_unit` ties the frame to paper; it is 1 for templates in millimetres.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from itertools import chain
from typing import Annotated, Self

from pydantic import Field as Limited
from pydantic import model_validator

from pipeline.contracts.envelope import Contract

Name = Annotated[str, Limited(min_length=1, max_length=200)]
Length = Annotated[float, Limited(gt=0, le=100_000)]
Coordinate = Annotated[float, Limited(ge=-100_000, le=100_000)]


# An A4 page of the smallest bubbles that a person can mark has some 6,000.
MAX_BUBBLES = 20_000


class Shape(StrEnum):
    CIRCLE = "circle"
    SQUARE = "square"


class Corner(StrEnum):
    TOP_LEFT = "TL"
    TOP_RIGHT = "TR"
    BOTTOM_RIGHT = "BR"
    BOTTOM_LEFT = "BL"


class FiducialKind(StrEnum):
    """What a page may be registered by.

    `form` is the printed form itself: the outlines of its bubbles, or the blank form's picture where there is one.
    `page_edge` maps the paper's corners to the frame's, `whole_image` the picture's own.
    """

    SQUARE = "square"
    RING = "ring"
    BRACKET = "bracket"
    L_MARK = "l_mark"
    CROSS = "cross"
    TIMING_TRACK = "timing_track"
    MARKER_IMAGE = "marker_image"
    PAGE_EDGE = "page_edge"
    FORM = "form"
    WHOLE_IMAGE = "whole_image"


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"


class Fiducial(Contract):
    """A mark printed to register the page by; a template may leave out what it does not know.

    `at` is the mark's centre, for `bracket` and `l_mark` the outer corner, for `timing_track` the middle of the outer
    edge. `picture` names the marker's or the blank form's picture, a file beside the template. `length` is the mark's
    size along its longer side.
    """

    kind: FiducialKind
    corner: Corner | None = None
    side: Side | None = None
    at: tuple[Coordinate, Coordinate] | None = None
    length: Length | None = None
    picture: str | None = Limited(default=None, pattern=r"^[^/\\]{1,200}$")


class Frame(Contract):
    width: Length
    height: Length
    mm_per_unit: Length | None = None


class Bubble(Contract):
    """A place to mark; `x` and `y` are its centre."""

    value: Name
    x: Coordinate
    y: Coordinate


class FieldKind(StrEnum):
    """`choice` is one row of options; `digit` and `letter` are a column of an identifier or of a number."""

    CHOICE = "choice"
    DIGIT = "digit"
    LETTER = "letter"


class Field(Contract):
    """A group of bubbles of which normally one is marked. `half_width` and `half_height` are those of a bubble."""

    name: Name
    kind: FieldKind = FieldKind.CHOICE
    shape: Shape = Shape.CIRCLE
    half_width: Length
    half_height: Length
    bubbles: tuple[Bubble, ...] = Limited(min_length=1, max_length=200)
    block: str | None = None

    @model_validator(mode="after")
    def _values_are_different(self) -> Self:
        values = [bubble.value for bubble in self.bubbles]
        if len(set(values)) != len(values):
            raise ValueError(f"field {self.name!r} has the same value twice: {values}")
        return self


class FieldBlock(Contract):
    """Fields on a regular grid: a short way to write them.

    `origin` is the centre of the first field's first bubble. Bubbles of a field are `bubble_step` apart along
    `bubbles_run` (`right` or `down`), fields `field_step` apart across it.
    """

    name: Name
    kind: FieldKind = FieldKind.CHOICE
    shape: Shape = Shape.CIRCLE
    half_width: Length
    half_height: Length
    origin: tuple[Coordinate, Coordinate]
    bubbles_run: Annotated[str, Limited(pattern=r"^(right|down)$")] = "right"
    bubble_step: Length
    field_step: Annotated[float, Limited(ge=0, le=100_000)]
    fields: tuple[Name, ...] = Limited(min_length=1, max_length=1000)
    values: tuple[Name, ...] = Limited(min_length=1, max_length=200)

    def expanded(self) -> tuple[Field, ...]:
        return tuple(
            Field(
                name=name,
                kind=self.kind,
                shape=self.shape,
                half_width=self.half_width,
                half_height=self.half_height,
                block=self.name,
                bubbles=tuple(self._bubble(row, column, value) for column, value in enumerate(self.values)),
            )
            for row, name in enumerate(self.fields)
        )

    def _bubble(self, field: int, place: int, value: str) -> Bubble:
        along, across = place * self.bubble_step, field * self.field_step
        dx, dy = (along, across) if self.bubbles_run == "right" else (across, along)
        return Bubble(value=value, x=self.origin[0] + dx, y=self.origin[1] + dy)


class OutputKind(StrEnum):
    QUESTION = "question"
    IDENTIFIER = "identifier"


class Output(Contract):
    """What is reported: one field's marks, or several fields' single marks put together in order.

    `student` marks the identifier by which a sheet finds its student. `length` is how many characters an identifier
    must have; without it, one may be shorter than its fields.
    """

    name: Name
    kind: OutputKind = OutputKind.QUESTION
    fields: tuple[Name, ...] = Limited(min_length=1, max_length=200)
    student: bool = False
    length: int | None = Limited(default=None, ge=1, le=200)


class Meaning(StrEnum):
    """What a kind of mark counts as. `review` counts it as unmarked, or marked, at low confidence."""

    MARKED = "marked"
    UNMARKED = "unmarked"
    REVIEW = "review"


class MarkRules(Contract):
    """What each way of marking means on this sheet.

    On sheets where a cross marks and a full box cancels, `filled` is `unmarked` and `cross` is `marked`.
    """

    filled: Meaning = Meaning.MARKED
    partial: Meaning = Meaning.REVIEW
    tick: Meaning = Meaning.MARKED
    cross: Meaning = Meaning.MARKED
    erased: Meaning = Meaning.UNMARKED
    cancelled: Meaning = Meaning.UNMARKED


class Template(Contract):
    """A sheet. Fields come from `blocks` and from `fields`; fields that no output names are questions of their own."""

    name: Name
    version: Name = "1"
    frame: Frame
    fiducials: tuple[Fiducial, ...] = Limited(default=(), max_length=100)
    blocks: tuple[FieldBlock, ...] = Limited(default=(), max_length=500)
    fields: tuple[Field, ...] = Limited(default=(), max_length=2000)
    outputs: tuple[Output, ...] = Limited(default=(), max_length=2000)
    rules: MarkRules = MarkRules()

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        # Before anything is expanded: a few kB of blocks can stand for a hundred million bubbles.
        bubbles = sum(len(block.fields) * len(block.values) for block in self.blocks)
        bubbles += sum(len(field.bubbles) for field in self.fields)
        if bubbles > MAX_BUBBLES:
            raise ValueError(f"a template has at most {MAX_BUBBLES} bubbles, not {bubbles}")
        fields = self.all_fields()
        names = [field.name for field in fields]
        if not names:
            raise ValueError("a template needs at least one field")
        if twice := _twice(names):
            raise ValueError(f"fields with the same name: {twice}")
        used = [name for output in self.outputs for name in output.fields]
        if unknown := sorted(set(used) - set(names)):
            raise ValueError(f"outputs name fields that do not exist: {unknown}")
        if again := _twice(used):
            raise ValueError(f"fields in more than one output: {again}")
        reported = [output.name for output in self.all_outputs()]
        if twice := _twice(reported):
            raise ValueError(f"outputs with the same name: {twice}")
        if sum(output.student for output in self.outputs) > 1:
            raise ValueError("more than one output is marked as the student's identifier")
        return self

    def all_fields(self) -> tuple[Field, ...]:
        return (*chain.from_iterable(block.expanded() for block in self.blocks), *self.fields)

    def all_outputs(self) -> tuple[Output, ...]:
        """The declared outputs, then a question for each field that none of them names."""
        used = {name for output in self.outputs for name in output.fields}
        own = (Output(name=field.name, fields=(field.name,)) for field in self.all_fields() if field.name not in used)
        return (*self.outputs, *own)


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
