"""What a bubble looks like unmarked, estimated from the bubbles of the same sheet that are printed alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.patches import PAPER_LEVEL
from jobs.omr.marks.printed_alike import Members

# So many bubbles tell what their kind looks like unmarked.
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


@dataclass(frozen=True)
class Unmarked:
    """A kind of bubble without a mark: its picture (1024,) and how dark it is inside."""

    picture: NDArray[np.uint8]
    inside: float


def own_print(
    pixels: NDArray[np.uint8], inside: NDArray[np.float32], form: Form
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The picture (n, 1024) of each bubble's print, and its mean darkness (n,) inside the bubble.

    `pixels` (n, 1024) are the patches, `inside` (n,) how dark they are inside the bubbles. Alike are, first, bubbles
    with the same value in the same block; where those are too few, of the same value anywhere on the sheet, of any
    value in the block, or just of the same outline: whichever comes nearest to the lightest of them.
    """
    groups = form.printed_alike
    bare = Unmarked(np.full(pixels.shape[1], PAPER_LEVEL, dtype=np.uint8), 0.0)
    typical = {key: _unmarked(members, pixels, inside) or bare for key, members in groups.anywhere.items()}
    typical_here = {
        key: _unmarked(members, pixels, inside) or typical[key[0]] for key, members in groups.in_block.items()
    }
    elsewhere = {
        key: _plausible(_unmarked(members, pixels, inside), typical[key[0]])
        for key, members in groups.same_value.items()
        if len(members) >= FEWEST_ALIKE
    }
    pictures, means = np.empty_like(pixels), np.empty_like(inside)
    for kind, members in groups.alike.items():
        here = typical_here[kind.outline, kind.block]
        found = _plausible(_unmarked(members, pixels, inside), here) if len(members) >= FEWEST_ALIKE else None
        if found is None:
            others = (elsewhere.get((kind.outline, kind.value)), here, typical[kind.outline])
            found = _nearest([other for other in others if other], pixels[members[np.argmin(inside[members])]])
        pictures[members], means[members] = found.picture, found.inside
    return pictures, means


def _unmarked(members: Members, pixels: NDArray[np.uint8], inside: NDArray[np.float32]) -> Unmarked | None:
    order = members[np.argsort(inside[members], kind="stable")]
    first = int(LIGHTEST * len(order))
    taken = order[first : max(first + 1, int(LIGHTER * len(order)))][:MOST_AVERAGED]
    mean = float(inside[taken].mean())
    if mean > MOST_PRINT:
        return None
    # Of whole numbers, a sum is quick and exact.
    picture = pixels[taken].sum(axis=0, dtype=np.uint16) / len(taken)
    return Unmarked(np.rint(picture).astype(np.uint8), mean)


def _plausible(found: Unmarked | None, typical: Unmarked) -> Unmarked | None:
    return found if found and found.inside - typical.inside <= LETTERS_DIFFER else None


def _nearest(candidates: Sequence[Unmarked], picture: NDArray[np.uint8]) -> Unmarked:
    return min(candidates, key=lambda each: float(cv2.norm(each.picture, picture, cv2.NORM_L1)))
