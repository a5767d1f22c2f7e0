"""A template as arrays: what registration and mark reading work on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout
from jobs.omr.marks.printed_alike import PrintedAlike, printed_alike
from jobs.omr.page import Gray
from pipeline.answer_sheets.template import Field, Output, Shape, Template

# The longer side of A4, for templates that do not tie their frame to paper.
ASSUMED_LONG_SIDE_MM = 297.0


@dataclass(frozen=True)
class Form:
    """`pictures` are the decoded pictures that the template's fiducials name, as gray arrays.

    All bubbles stand in one row of arrays, field after field in the order of `fields`.
    """

    template: Template
    pictures: dict[str, Gray]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return self.template.all_fields()

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        return self.template.all_outputs()

    @cached_property
    def options(self) -> tuple[tuple[str, ...], ...]:
        """The values of each field's bubbles."""
        return tuple(tuple(bubble.value for bubble in field.bubbles) for field in self.fields)

    @cached_property
    def field_of_bubble(self) -> NDArray[np.int32]:
        """(n,) index into `fields`."""
        return np.repeat(np.arange(len(self.fields), dtype=np.int32), [len(field.bubbles) for field in self.fields])

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """(n, 2) x and y in frame units."""
        return np.array([(bubble.x, bubble.y) for field in self.fields for bubble in field.bubbles], dtype=np.float64)

    @cached_property
    def half_sizes(self) -> NDArray[np.float64]:
        """(n, 2) half width and half height in frame units."""
        sizes = np.array([(field.half_width, field.half_height) for field in self.fields], dtype=np.float64)
        return np.asarray(sizes[self.field_of_bubble])

    @cached_property
    def square(self) -> NDArray[np.bool_]:
        """(n,) whether the bubble is printed as a box."""
        return np.array([field.shape is Shape.SQUARE for field in self.fields])[self.field_of_bubble]

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.centres, self.half_sizes, self.field_of_bubble, self.square)

    @cached_property
    def printed_alike(self) -> PrintedAlike:
        return printed_alike(self.fields)

    @property
    def mm_per_unit(self) -> float:
        frame = self.template.frame
        return frame.mm_per_unit or ASSUMED_LONG_SIDE_MM / max(frame.width, frame.height)
