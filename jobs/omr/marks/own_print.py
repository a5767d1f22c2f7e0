"""What a bubble looks like unmarked, estimated from the bubbles of the same sheet that are printed alike."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.patches import PAPER_LEVEL

# With fewer bubbles of the same value, those of all values that have the same outline stand in.
FEWEST_ALIKE: Final = 5
# Of the bubbles printed alike the unmarked ones are looked for between these shares of the lightest: lighter ones may
# be whited out, darker ones marked.
LIGHTEST: Final = 0.1
LIGHTER: Final = 0.4
# So many pictures make a good average.
MOST_AVERAGED: Final = 24
# Letters and digits differ by less than this in the ink that they put inside a bubble. A value whose bubbles seem
# darker than that was marked nearly everywhere on this sheet.
LETTERS_DIFFER: Final = 0.12
# No form prints more ink than this into the bubbles that are to be filled.
MOST_PRINT: Final = 0.5


def print_groups(form: Form) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(n,) each: which bubbles have the same outline, and which of those also have the same value printed."""
    outlines: dict[object, int] = {}
    prints: dict[object, int] = {}
    outline_of, print_of = [], []
    for field in form.fields:
        outline = (field.shape, round(field.half_width, 1), round(field.half_height, 1))
        for bubble in field.bubbles:
            outline_of.append(outlines.setdefault(outline, len(outlines)))
            print_of.append(prints.setdefault((outline, bubble.value), len(prints)))
    return np.array(outline_of, dtype=np.intp), np.array(print_of, dtype=np.intp)


def own_print(
    pixels: NDArray[np.uint8], inside: NDArray[np.float32], form: Form
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The picture (n, 1024) of each bubble's print, and its mean darkness (n,) inside the bubble.

    `pixels` (n, 1024) are the patches, `inside` (n,) how dark they are inside the bubbles.
    """
    outline_of, print_of = print_groups(form)
    pictures = np.empty_like(pixels)
    means = np.empty_like(inside)
    for outline in range(outline_of.max() + 1):
        pool = np.flatnonzero(outline_of == outline)
        typical, typical_mean = _unmarked(pixels, inside, pool)
        groups = [np.flatnonzero(print_of == value) for value in np.unique(print_of[pool])]
        known = [(group, *_unmarked(pixels, inside, group)) for group in groups if len(group) >= FEWEST_ALIKE]
        if known:
            typical_mean = min(typical_mean, float(np.median([mean for _, _, mean in known])))
        pictures[pool], means[pool] = typical, typical_mean
        for members, picture, mean in known:
            if mean - typical_mean <= LETTERS_DIFFER:
                pictures[members], means[members] = picture, mean
    return pictures, means


def _unmarked(
    pixels: NDArray[np.uint8], inside: NDArray[np.float32], members: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], float]:
    order = members[np.argsort(inside[members], kind="stable")]
    first = int(LIGHTEST * len(order))
    taken = order[first : max(first + 1, int(LIGHTER * len(order)))][:MOST_AVERAGED]
    mean = float(inside[taken].mean())
    if mean > MOST_PRINT:
        return np.full(pixels.shape[1], PAPER_LEVEL, dtype=np.uint8), 0.0
    return np.rint(pixels[taken].mean(axis=0)).astype(np.uint8), mean
