"""Decoded arrays of any depth and channel count become a `Page`; sizes are judged before anything is decoded."""

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.page import Colour, Gray, Page, PageRefused
from pipeline.contracts.omr import OmrLimits
from pipeline.reasons import Reason

# A sheet of 60 dpi has shorter sides of 500 pixels, a crop of one some 300: below this no bubble has any shape left.
SMALLEST_SIDE_PX = 150

WHITE = 255


def check_size(width: int, height: int, limits: OmrLimits) -> None:
    """Refuse what the header says is too large to decode or too small to read."""
    if width * height > limits.max_pixels:
        raise PageRefused(Reason.DIMENSIONS_EXCEEDED, f"{width}x{height} is more than {limits.max_pixels} pixels")
    if min(width, height) < SMALLEST_SIDE_PX:
        raise PageRefused(Reason.TOO_SMALL, f"{width}x{height}, at least {SMALLEST_SIDE_PX} on each side")


def page_of(pixels: NDArray[np.generic], number: int, *, dpi: float | None = None, turned: int = 1) -> Page:
    """A page from (h, w) or (h, w, 1..4) pixels, BGR(A), 8 or 16 bit; `turned` is the EXIF orientation, 1 to 8."""
    eight = as_bytes(pixels)
    if eight.ndim == 3 and eight.shape[2] in (2, 4):
        eight = on_white(eight)
    if eight.ndim == 3 and eight.shape[2] == 1:
        eight = eight[:, :, 0]
    if eight.ndim == 2:
        return Page(number=number, gray=upright(eight, turned), dpi=dpi)
    colour = upright(eight, turned)
    return Page(
        number=number, gray=np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), np.uint8), colour=colour, dpi=dpi
    )


def as_bytes(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    if pixels.dtype == np.uint16:
        return np.asarray(pixels >> 8, np.uint8)  # type: ignore[operator]
    if pixels.dtype == np.bool_:
        return np.asarray(pixels, np.uint8) * np.uint8(WHITE)
    raise PageRefused(Reason.UNSUPPORTED_CODEC, f"pixels of type {pixels.dtype}")


def on_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay (h, w, 2) or (h, w, 4) pixels, whose last channel is opacity, on white paper."""
    opacity = pixels[:, :, -1:]
    if opacity.min() == WHITE:
        return np.ascontiguousarray(pixels[:, :, :-1])
    ink = (WHITE - pixels[:, :, :-1]).astype(np.uint16) * opacity // WHITE
    return np.asarray(WHITE - ink, np.uint8)


def upright(pixels: Gray | Colour, turned: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation: 1 is as it should be, 2 to 8 are its mirrorings and quarter turns."""
    match turned:
        case 2:
            pixels = pixels[:, ::-1]
        case 3:
            pixels = pixels[::-1, ::-1]
        case 4:
            pixels = pixels[::-1]
        case 5:
            pixels = pixels.swapaxes(0, 1)
        case 6:
            pixels = np.rot90(pixels, -1)
        case 7:
            pixels = pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            pixels = np.rot90(pixels, 1)
    return np.ascontiguousarray(pixels)
