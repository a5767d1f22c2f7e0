"""Printing what a page is registered by."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.answer_sheets.template import Corner, Fiducial, FiducialKind, Side

Canvas = NDArray[np.uint8]

CORNER_KINDS = (
    FiducialKind.SQUARE,
    FiducialKind.RING,
    FiducialKind.BRACKET,
    FiducialKind.L_MARK,
    FiducialKind.CROSS,
)


def random_fiducials(width: float, height: float, rng: np.random.Generator) -> tuple[Fiducial, ...]:
    """Fiducials of one kind near the page's corners, lengths in the page's millimetres; sometimes none at all."""
    roll = rng.random()
    if roll < 0.1:
        return (Fiducial(kind=FiducialKind.PAGE_EDGE),)
    inset_x, inset_y = rng.uniform(0.025, 0.07, 2) * (width, height)
    length = float(rng.uniform(3.0, 9.0) * min(width / 210, 1) ** 0.5)
    if roll < 0.25:
        return tuple(
            Fiducial(kind=FiducialKind.TIMING_TRACK, side=side, at=(x, height / 2), length=height - 4 * inset_y)
            for side, x in ((Side.LEFT, float(inset_x)), (Side.RIGHT, float(width - inset_x)))
        )
    kind = CORNER_KINDS[int(rng.integers(len(CORNER_KINDS)))]
    if kind in (FiducialKind.BRACKET, FiducialKind.CROSS):
        length *= 1.3
    places = {
        Corner.TOP_LEFT: (inset_x, inset_y),
        Corner.TOP_RIGHT: (width - inset_x, inset_y),
        Corner.BOTTOM_RIGHT: (width - inset_x, height - inset_y),
        Corner.BOTTOM_LEFT: (inset_x, height - inset_y),
    }
    return tuple(
        Fiducial(kind=kind, corner=corner, at=(float(x), float(y)), length=length) for corner, (x, y) in places.items()
    )


def print_fiducial(canvas: Canvas, fiducial: Fiducial, px_per_mm: float, ink: int) -> None:
    """Draw one fiducial on `canvas` (h, w); kinds that are not printed draw nothing."""
    if fiducial.at is None or fiducial.length is None:
        return
    x, y = (value * px_per_mm for value in fiducial.at)
    size = fiducial.length * px_per_mm
    thin = max(1, round(size / 14))
    # Arms of brackets point inwards, away from the outer corner.
    right = 1 if fiducial.corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT) else -1
    down = 1 if fiducial.corner in (Corner.TOP_LEFT, Corner.TOP_RIGHT) else -1
    match fiducial.kind:
        case FiducialKind.SQUARE:
            _box(canvas, (x - size / 2, y - size / 2, x + size / 2, y + size / 2), ink)
        case FiducialKind.RING:
            cv2.circle(canvas, (round(x), round(y)), round(size / 2), ink, max(1, round(size / 6)), cv2.LINE_AA)
            cv2.circle(canvas, (round(x), round(y)), max(1, round(size / 8)), ink, -1, cv2.LINE_AA)
        case FiducialKind.BRACKET:
            for end in ((x + right * size, y), (x, y + down * size)):
                cv2.line(canvas, (round(x), round(y)), (round(end[0]), round(end[1])), ink, thin, cv2.LINE_AA)
        case FiducialKind.L_MARK:
            _box(canvas, (x, y, x + right * size, y + down * size / 2), ink)
            _box(canvas, (x, y, x + right * size / 2, y + down * size), ink)
        case FiducialKind.CROSS:
            for dx, dy in ((size / 2, 0), (0, size / 2)):
                a, b = (round(x - dx), round(y - dy)), (round(x + dx), round(y + dy))
                cv2.line(canvas, a, b, ink, thin, cv2.LINE_AA)
        case FiducialKind.TIMING_TRACK:
            pitch = 6.0 * px_per_mm
            for k in range(int(size / pitch) + 1):
                top = y - size / 2 + k * pitch
                _box(canvas, (x - 0.3 * pitch, top, x + 0.3 * pitch, top + 0.35 * pitch), ink)
        case _:
            pass


def _box(canvas: Canvas, ends: tuple[float, float, float, float], ink: int) -> None:
    x0, y0, x1, y1 = ends
    low, high = (round(min(x0, x1)), round(min(y0, y1))), (round(max(x0, x1)), round(max(y0, y1)))
    cv2.rectangle(canvas, low, high, ink, -1)
