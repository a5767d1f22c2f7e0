"""Cutting every bubble of a page out as an upright patch, in one gather."""

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.patches import PATCH_SIDE, PATCH_SPAN
from jobs.omr.page import Gray
from jobs.omr.registration.registered import Registered

# Patches are laid out in rows of this many for cv2.remap, which takes pictures of at most 32,767 pixels a side.
PATCHES_PER_ROW = 32


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
    steps = ((np.arange(PATCH_SIDE) + 0.5) / PATCH_SIDE * 2 - 1) * PATCH_SPAN / shrink
    columns, lines = (_places(centres[:, i], along_x[:, i], along_y[:, i], steps) for i in (0, 1))
    return _gathered(plane, columns, lines, len(centres))


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


def _places(
    centres: NDArray[np.float64], along_x: NDArray[np.float64], along_y: NDArray[np.float64], steps: NDArray[np.float64]
) -> NDArray[np.float32]:
    """One coordinate of every sample, laid out as rows of patches: (rows * 32, PATCHES_PER_ROW * 32)."""
    rows = -(-len(centres) // PATCHES_PER_ROW)
    whole = np.full((3, rows * PATCHES_PER_ROW), -1e4, dtype=np.float32)
    whole[:, : len(centres)] = centres, along_x, along_y
    centre, right, down = whole.reshape(3, rows, 1, PATCHES_PER_ROW, 1)
    samples = steps.astype(np.float32)
    places = centre + down * samples[None, :, None, None] + right * samples[None, None, None, :]
    return np.ascontiguousarray(places.reshape(rows * PATCH_SIDE, PATCHES_PER_ROW * PATCH_SIDE))


def _gathered(plane: Gray, columns: NDArray[np.float32], lines: NDArray[np.float32], count: int) -> NDArray[np.uint8]:
    cut = cv2.remap(plane, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255)
    patches = np.asarray(cut, dtype=np.uint8).reshape(-1, PATCH_SIDE, PATCHES_PER_ROW, PATCH_SIDE)
    return np.ascontiguousarray(patches.transpose(0, 2, 1, 3).reshape(-1, PATCH_SIDE, PATCH_SIDE)[:count])
