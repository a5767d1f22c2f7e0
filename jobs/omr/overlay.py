"""The page with what was read drawn on it, for the eye of the person who reviews it."""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.fields import FieldMarks
from jobs.omr.page import Colour, Gray
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import OutputKind
from pipeline.contracts.omr import REVIEW_CONFIDENCE

# Blue, green, red: OpenCV's order. Dark enough to be told apart on paper, and by those who see red and green alike.
GREEN: Final = (60, 150, 20)
AMBER: Final = (0, 150, 255)
RED: Final = (40, 20, 220)
BLUE: Final = (230, 110, 20)
FAINT: Final = (190, 190, 190)

# Pixels of the longer side: what a screen shows, and a PNG of well below a megabyte.
LONGEST_SIDE: Final = 1800
# The page fades behind what was read: black becomes this level.
FADED_BLACK: Final = 70
# In so few shades the paper's grain is gone: a fifth of the bytes and of the time that all 256 take.
SHADES: Final = 16
# Lighter paper is shown as white.
WHITE_FROM: Final = 240


def draw_overlay(registered: Registered, form: Form, fields: Mapping[str, FieldMarks]) -> bytes:
    """A PNG. Marked answers are green, marks of an identifier blue; a field that a person should look at is framed in
    amber with all its bubbles shown, one that could not be read in red.
    """
    scale = min(1.0, LONGEST_SIDE / max(registered.gray.shape))
    canvas = _faded(registered.gray, scale)
    centres = registered.positions * scale
    halves = np.maximum(registered.half_sizes_px * scale, 2.0)
    identifiers = {
        name for output in form.template.outputs if output.kind is OutputKind.IDENTIFIER for name in output.fields
    }
    start = 0
    for field in form.fields:
        some = slice(start, start + len(field.bubbles))
        start = some.stop
        marks = fields[field.name]
        colour = _colour(marks, identifier=field.name in identifiers)
        marked = np.array([bubble.value in marks.values for bubble in field.bubbles])
        if colour in (AMBER, RED):
            _frame(canvas, centres[some], halves[some], colour)
        for centre, half, is_marked in zip(centres[some], halves[some], marked, strict=True):
            _ring(canvas, centre, half, colour=colour if is_marked else FAINT, strong=is_marked)
    return _png(canvas)


def draw_refused(gray: Gray, reason: str) -> bytes:
    """A PNG of a page that could not be read: framed in red, with the reason's code."""
    canvas = _faded(gray, min(1.0, LONGEST_SIDE / max(gray.shape)))
    height, width = canvas.shape[:2]
    line = max(3, width // 120)
    cv2.rectangle(canvas, (line, line), (width - 1 - line, height - 1 - line), RED, 2 * line)
    size = width / 900
    cv2.putText(
        canvas,
        reason,
        (4 * line, 4 * line + int(28 * size)),
        cv2.FONT_HERSHEY_SIMPLEX,
        size,
        RED,
        max(1, line // 2),
        cv2.LINE_AA,
    )
    return _png(canvas)


def _colour(marks: FieldMarks, *, identifier: bool) -> tuple[int, int, int]:
    if not marks.whole:
        return RED
    if marks.confidence < REVIEW_CONFIDENCE or (identifier and len(marks.values) > 1):
        return AMBER
    return BLUE if identifier else GREEN


def _faded(gray: Gray, scale: float) -> Colour:
    if scale < 1:
        gray = np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    shades = np.rint(np.minimum(np.arange(256) / WHITE_FROM, 1.0) * (SHADES - 1)) / (SHADES - 1)
    levels = np.rint(FADED_BLACK + shades * (255 - FADED_BLACK)).astype(np.uint8)
    return np.asarray(cv2.cvtColor(levels[gray], cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _ring(
    canvas: Colour,
    centre: NDArray[np.float64],
    half: NDArray[np.float64],
    *,
    colour: tuple[int, int, int],
    strong: bool,
) -> None:
    """Around the bubble, so that the mark itself stays visible."""
    axes = np.rint(half * (1.25 if strong else 1.1)).astype(int)
    thickness = max(2, round(float(half.max()) * 0.3)) if strong else 1
    x, y = np.rint(centre).astype(int)
    cv2.ellipse(canvas, (int(x), int(y)), (int(axes[0]), int(axes[1])), 0, 0, 360, colour, thickness, cv2.LINE_AA)


def _frame(
    canvas: Colour, centres: NDArray[np.float64], halves: NDArray[np.float64], colour: tuple[int, int, int]
) -> None:
    low = np.floor((centres - 1.7 * halves).min(axis=0)).astype(int)
    high = np.ceil((centres + 1.7 * halves).max(axis=0)).astype(int)
    part = canvas[max(0, low[1]) : max(0, high[1]), max(0, low[0]) : max(0, high[0])]
    part[:] = (0.75 * part + 0.25 * np.array(colour)).astype(np.uint8)
    first, last = (int(low[0]), int(low[1])), (int(high[0]), int(high[1]))
    cv2.rectangle(canvas, first, last, colour, max(2, canvas.shape[1] // 600))


def _png(canvas: Colour) -> bytes:
    done, encoded = cv2.imencode(".png", canvas, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise RuntimeError(f"a picture of {canvas.shape} could not be encoded")
    return encoded.tobytes()
