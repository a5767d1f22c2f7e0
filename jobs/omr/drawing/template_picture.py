"""A template as a picture, over white or over a page on which it was found."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.page import Colour, Gray
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import Fiducial, Output, OutputKind, Template

# Blue, green, red.
QUESTION: Final = (60, 150, 20)
IDENTIFIER: Final = (230, 110, 20)
MARK: Final = (40, 20, 220)
FRAME: Final = (190, 190, 190)

LONGEST_SIDE_PX: Final = 2000
MARGIN_PX: Final = 60
FADED_BLACK: Final = 90
# Of Hershey's simplex, in pixels at scale 1.
LETTER_PX: Final = 22.0


def draw_on_white(form: Form) -> Colour:
    """The frame with its bubbles and marks where the template puts them."""
    frame = form.template.frame
    scale = LONGEST_SIDE_PX / max(frame.width, frame.height)
    height, width = round(frame.height * scale) + 2 * MARGIN_PX, round(frame.width * scale) + 2 * MARGIN_PX
    canvas: Colour = np.full((height, width, 3), 255, dtype=np.uint8)
    inner = (width - MARGIN_PX, height - MARGIN_PX)
    cv2.rectangle(canvas, (MARGIN_PX, MARGIN_PX), inner, FRAME, 1)
    _draw(canvas, form, form.centres * scale + MARGIN_PX, form.half_sizes * scale)
    for fiducial in form.template.fiducials:
        if fiducial.at is not None:
            at = np.array(fiducial.at) * scale + MARGIN_PX
            _draw_mark(canvas, fiducial, at, (fiducial.length or MARGIN_PX / scale / 2) * scale)
    return canvas


def draw_on_page(form: Form, page: Registered) -> Colour:
    """The page, faded, with the bubbles where they were found on it."""
    canvas = _faded(page.gray)
    _draw(canvas, form, page.positions, page.half_sizes_px)
    for fiducial in form.template.fiducials:
        if fiducial.at is not None:
            at = page.to_page(np.array([fiducial.at], dtype=np.float64))[0]
            _draw_mark(canvas, fiducial, at, (fiducial.length or 0) * page.px_per_unit or MARGIN_PX / 2)
    return canvas


def _draw(canvas: Colour, form: Form, centres: NDArray[np.float64], halves: NDArray[np.float64]) -> None:
    colours = _colours(form.template)
    first = np.flatnonzero(np.diff(form.field_of_bubble, prepend=-1))
    values = [bubble.value for field in form.fields for bubble in field.bubbles]
    for number, (centre, half) in enumerate(zip(centres, halves, strict=True)):
        field = form.fields[form.field_of_bubble[number]]
        colour = colours[field.name]
        x, y = (int(value) for value in np.rint(centre))
        width, height = (max(1, int(value)) for value in np.rint(half))
        if form.square[number]:
            cv2.rectangle(canvas, (x - width, y - height), (x + width, y + height), colour, 1, cv2.LINE_AA)
        else:
            cv2.ellipse(canvas, (x, y), (width, height), 0, 0, 360, colour, 1, cv2.LINE_AA)
        if len(values[number]) <= 2:
            _write(canvas, values[number], (x, y), size_px=1.1 * height, colour=colour, align=0.5)
    names = [field.name for field in form.fields]
    for output in form.template.all_outputs():
        number = first[names.index(output.fields[0])]
        (x, y), (width, height) = centres[number], halves[number]
        size = min(1.5 * height, 16.0)
        # A number's columns stand side by side: its name has room above them only.
        beside = len(output.fields) == 1
        at = (round(x - 1.4 * width), round(y)) if beside else (round(x - width), round(y - height - size))
        _write(canvas, output.name, at, size_px=size, colour=colours[output.fields[0]], align=1.0 if beside else 0.0)


def _colours(template: Template) -> dict[str, tuple[int, int, int]]:
    def colour(output: Output) -> tuple[int, int, int]:
        return IDENTIFIER if output.kind is OutputKind.IDENTIFIER else QUESTION

    return {name: colour(output) for output in template.all_outputs() for name in output.fields}


def _draw_mark(canvas: Colour, fiducial: Fiducial, at: NDArray[np.float64], length: float) -> None:
    x, y = (int(value) for value in np.rint(at))
    cv2.drawMarker(canvas, (x, y), MARK, cv2.MARKER_TILTED_CROSS, max(10, round(length)), 2, cv2.LINE_AA)
    label = " ".join(filter(None, (fiducial.kind, fiducial.corner or fiducial.side)))
    right = x > canvas.shape[1] / 2
    _write(canvas, label, (x, y + round(length / 2) + 14), size_px=12, colour=MARK, align=1.0 if right else 0.0)


def _write(
    canvas: Colour, text: str, at: tuple[int, int], *, size_px: float, colour: tuple[int, int, int], align: float
) -> None:
    """Beside or around `at`, at half height; letters that the font does not have are question marks."""
    scale = max(size_px, 7.0) / LETTER_PX
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    left = round(at[0] - align * width)
    cv2.putText(canvas, text, (left, at[1] + height // 2), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)


def _faded(gray: Gray) -> Colour:
    levels = np.linspace(FADED_BLACK, 255, 256).astype(np.uint8)
    return np.asarray(cv2.cvtColor(levels[gray], cv2.COLOR_GRAY2BGR), dtype=np.uint8)
