"""Cutting every bubble of a page out as an upright patch, in one gather."""

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.patches import PATCH_SIDE, PATCH_SPAN
from jobs.omr.page import Gray
from jobs.omr.registration.registered import Registered

# Patches stand above one another for cv2.remap, which takes pictures of at most 32,767 pixels a side.
PATCHES_AT_ONCE = 1000


def cut_levels(plane: Gray, registered: Registered, form: Form) -> NDArray[np.uint8]:
    """(n, 32, 32) gray levels of `plane` around each bubble, along the form's own axes. Off the page is white."""
    along_x, along_y = _axes(registered, form)
    px_per_sample = float(np.median(np.hypot(along_x[:, 0], along_x[:, 1]))) * 2 * PATCH_SPAN / PATCH_SIDE
    shrink = max(1, int(px_per_sample + 0.35))
    if shrink > 1:
        height, width = plane.shape[0] // shrink, plane.shape[1] // shrink
        plane = np.asarray(
            cv2.resize(plane[: height * shrink, : width * shrink], (width, height), interpolation=cv2.INTER_AREA),
            dtype=np.uint8,
        )
    centres = (registered.positions + 0.5) / shrink - 0.5
    # A sample lies so much of both axes from its bubble's centre: one product gives the places of all.
    steps = ((np.arange(PATCH_SIDE) + 0.5) / PATCH_SIDE * 2 - 1) * PATCH_SPAN / shrink
    right, down = (each.ravel() for each in np.meshgrid(steps, steps))
    shares = np.stack([np.ones_like(right), right, down]).astype(np.float32)
    bubbles = np.stack([centres, along_x, along_y], axis=2).astype(np.float32)
    levels = np.empty((len(bubbles), PATCH_SIDE, PATCH_SIDE), dtype=np.uint8)
    for first in range(0, len(bubbles), PATCHES_AT_ONCE):
        some = slice(first, first + PATCHES_AT_ONCE)
        columns, lines = ((bubbles[some, axis] @ shares).reshape(-1, PATCH_SIDE) for axis in (0, 1))
        cut = cv2.remap(plane, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255)
        levels[some] = np.asarray(cut).reshape(-1, PATCH_SIDE, PATCH_SIDE)
    return levels


def _axes(registered: Registered, form: Form) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 2) each: the bubble's longer half side in pixels, laid along the form's x and y axis on the page."""
    half = form.half_sizes.max(axis=1, keepdims=True)
    lengths = registered.half_sizes_px * half / form.half_sizes
    along_x, along_y = _directions(registered, form)
    return along_x * lengths[:, :1], along_y * lengths[:, 1:]


def _directions(registered: Registered, form: Form) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 2) unit vectors each, along the frame's x and y axis; a field's bubbles have that of their middle."""
    fields = form.field_of_bubble
    counts = np.bincount(fields)
    middles = np.stack([np.bincount(fields, form.centres[:, axis]) / counts for axis in (0, 1)], axis=1)
    half = np.array([field.half_width for field in form.fields])[:, None]
    steps = np.concatenate([half * (1.0, 0.0), half * (0.0, 1.0)])
    ends = registered.to_page(np.concatenate([np.tile(middles, (2, 1)) + steps, np.tile(middles, (2, 1)) - steps]))
    moved = ends[: len(steps)] - ends[len(steps) :]
    along_x, along_y = np.split(moved / np.linalg.norm(moved, axis=1, keepdims=True), 2)
    return along_x[fields], along_y[fields]
