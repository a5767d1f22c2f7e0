"""Measuring every bubble of a page against the paper around it and against its own print."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.areas import alike
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
# Paper grain and rounding alone make this much noise.
LEAST_NOISE: Final = 0.006


def patches_of(registered: Registered, form: Form) -> PatchBatch:
    """All bubbles of the page, in the order of `form.centres`."""
    levels = cut_levels(reading_plane(registered), registered, form).reshape(len(form.centres), -1)
    width, height = (form.half_sizes / form.half_sizes.max(axis=1, keepdims=True)).T
    outlines = list(alike(form.square, width, height))
    paper = np.empty(len(levels), dtype=np.float32)
    for members, areas in outlines:
        paper[members] = np.quantile(levels[members][:, np.flatnonzero(areas.around)[::3]], PAPER_QUANTILE, axis=1)
    paper = np.maximum(paper, PAPER_NEARBY * _field_medians(paper, form)).clip(min=1)
    pixels = np.rint(levels * (PAPER_LEVEL / paper)[:, None]).clip(0, 255).astype(np.uint8)
    darkness = darkness_of(pixels)
    inside = np.empty(len(levels), dtype=np.float32)
    for members, areas in outlines:
        inside[members] = darkness[members] @ areas.inside
    prints, print_inside = own_print(darkness, inside, form)
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
        "ink": _ink(darkness, above, noise, prints),
        "noise": noise,
    }
    shape = (-1, PATCH_SIDE, PATCH_SIDE)
    return PatchBatch(
        pixels.reshape(shape),
        np.rint((1 - prints) * PAPER_LEVEL).clip(0, 255).astype(np.uint8).reshape(shape),
        np.stack([np.broadcast_to(context[name], len(levels)) for name in CONTEXT], axis=1).astype(np.float32),
    )


def darkness_of(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 1024) from patches: 0 where it is as light as the paper or lighter, 1 for black."""
    table = np.maximum(0, 1 - np.arange(256, dtype=np.float32) / PAPER_LEVEL)
    return np.asarray(table[pixels.reshape(len(pixels), -1)])


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


def _ink(darkness: NDArray[np.float32], above: NDArray[np.float32], noise: float, prints: NDArray[np.float32]) -> float:
    marked = above > np.median(above) + CLEARLY_DARKER * noise + 0.05
    darkest = np.quantile(darkness[marked] if marked.any() else prints, 0.9, axis=1)
    return float(np.clip(np.quantile(darkest, 0.75), 0.1, 1))
