"""Measuring every bubble of a page against the paper around it and against its own print."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.areas import Areas, alike
from jobs.omr.marks.cutting import cut_levels
from jobs.omr.marks.own_print import own_print
from jobs.omr.marks.patches import CONTEXT, PAPER_LEVEL, PATCH_SIDE, PatchBatch
from jobs.omr.marks.plane import reading_plane
from jobs.omr.registration.registered import Registered

# Of the pixels around a bubble this share is darker than the paper's level: outlines of neighbours, lines, letters.
PAPER_QUANTILE: Final = 0.75
# Where a mark covers the surroundings, the paper is at least this share of its neighbours' level.
PAPER_NEARBY: Final = 0.9
# A bubble this many deviations darker than its print counts as marked when the darkness of marks is asked for.
CLEARLY_DARKER: Final = 6.0
# Marks lighter than this are taken for traces of others.
LIGHTEST_INK: Final = 0.1
# Nor is it likely that those of a sheet on which none stands out would be lighter than a faint pencil.
USUAL_INK: Final = 0.35
# Paper grain and rounding alone make this much noise.
LEAST_NOISE: Final = 0.006

Outlines = list[tuple[NDArray[np.intp], Areas]]


def patches_of(registered: Registered, form: Form) -> PatchBatch:
    """All bubbles of the page, in the order of `form.centres`."""
    levels = cut_levels(reading_plane(registered), registered, form).reshape(len(form.centres), -1)
    width, height = (form.half_sizes / form.half_sizes.max(axis=1, keepdims=True)).T
    outlines = list(alike(form.square, width, height))
    pixels = _on_even_paper(levels, outlines, form)
    inside = np.empty(len(levels), dtype=np.float32)
    for members, areas in outlines:
        inside[members] = darkness_of(pixels[members]) @ areas.inside
    prints, print_inside = own_print(pixels, inside, form)
    above = inside - print_inside
    noise = _noise(above)
    context = {
        "size_px": 2 * registered.half_sizes_px.max(axis=1) / PATCH_SIDE,
        "width": width,
        "height": height,
        "square": form.square,
        "own_print": print_inside,
        "darkness": inside,
        "above_field": above - _lighter_others(above, form),
        "ink": _ink(pixels, prints, outlines, clearly_marked=above > np.median(above) + CLEARLY_DARKER * noise),
        "noise": noise,
    }
    shape = (-1, PATCH_SIDE, PATCH_SIDE)
    return PatchBatch(
        pixels.reshape(shape),
        prints.reshape(shape),
        np.stack([np.broadcast_to(context[name], len(levels)) for name in CONTEXT], axis=1).astype(np.float32),
    )


def darkness_of(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As floats: 0 where it is as light as the paper or lighter, 1 for black."""
    return np.asarray(cv2.LUT(pixels, _DARKNESS), dtype=np.float32)


def _darkness_table() -> NDArray[np.float32]:
    levels = np.arange(256, dtype=np.uint8)
    return np.asarray(1 - np.minimum(levels, PAPER_LEVEL) * np.float32(1 / PAPER_LEVEL), dtype=np.float32)


_DARKNESS: Final = _darkness_table()


def _on_even_paper(levels: NDArray[np.uint8], outlines: Outlines, form: Form) -> NDArray[np.uint8]:
    """The patches with the paper around each bubble brought to PAPER_LEVEL."""
    paper = np.empty(len(levels), dtype=np.float32)
    for members, areas in outlines:
        # Numpy finds an order among words of sixteen bits a dozen times faster than among bytes.
        around = np.take(levels[members], np.flatnonzero(areas.around)[::3], axis=1).astype(np.uint16)
        place = int(PAPER_QUANTILE * around.shape[1])
        paper[members] = np.partition(around, place, axis=1)[:, place]
    paper = np.maximum(paper, PAPER_NEARBY * _field_medians(paper, form)).clip(min=1)
    even = levels * (PAPER_LEVEL / paper)[:, None]
    even += np.float32(0.5)
    return np.asarray(np.minimum(even, 255, out=even), dtype=np.uint8)


def _field_medians(values: NDArray[np.float32], form: Form) -> NDArray[np.float32]:
    """(n,) the median of each bubble's field."""
    counts = np.bincount(form.field_of_bubble)
    order = np.lexsort((values, form.field_of_bubble))
    starts = np.cumsum(counts) - counts
    return np.asarray(values[order][starts + counts // 2][form.field_of_bubble])


def _lighter_others(above: NDArray[np.float32], form: Form) -> NDArray[np.float32]:
    """(n,) the mean of the lighter half of the other bubbles of each bubble's field; 0 where it has no others."""
    field = form.field_of_bubble
    counts = np.bincount(field)
    starts = (np.cumsum(counts) - counts)[field]
    order = np.lexsort((above, field))
    rank = np.empty(len(above), dtype=np.intp)
    rank[order] = np.arange(len(above))
    rank -= starts
    wanted = counts[field] // 2
    sums = np.concatenate([[0.0], np.cumsum(above[order], dtype=np.float64)])
    among = rank < wanted
    total = sums[starts + wanted + among] - sums[starts] - np.where(among, above, 0)
    return np.asarray(np.where(wanted > 0, total / np.maximum(wanted, 1), 0), dtype=np.float32)


def _noise(above: NDArray[np.float32]) -> float:
    """Robust standard deviation of the unmarked bubbles: marks only lie on the other side of the median."""
    middle = np.median(above)
    return max(LEAST_NOISE, 1.4826 * float(np.median(middle - above[above <= middle])))


def _ink(
    pixels: NDArray[np.uint8], prints: NDArray[np.uint8], outlines: Outlines, *, clearly_marked: NDArray[np.bool_]
) -> float:
    """How dark the strokes of the sheet's marks are; of a sheet without marks, the strokes of its print."""
    strokes = []
    for members, areas in outlines:
        marked = members[clearly_marked[members]]
        inside = np.flatnonzero(areas.inside)
        if len(marked):
            strokes.append(np.quantile(cv2.subtract(prints[marked], pixels[marked])[:, inside], 0.9, axis=1))
    if not strokes:
        darkest_print = float(np.quantile(darkness_of(prints), 0.97))
        return float(np.clip(darkest_print, USUAL_INK, 1))
    return float(np.clip(np.quantile(np.concatenate(strokes), 0.75) / PAPER_LEVEL, LIGHTEST_INK, 1))
