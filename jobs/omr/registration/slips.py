"""Whether a form lies a row or a column off: a lattice agrees with itself a pitch further, but for its rims.

A shift by a pitch uncovers the bubbles at one rim of each block and puts others on what stands beyond the opposite rim.
What decides is which of the two looks more like the form's other bubbles on the same page, which are bubbles under
either assumption.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from jobs.omr.layout import Layout, Points
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.likeness import Likeness

# In pitches across and down; what lies two off is found one step after the other.
STEPS = tuple((across, down) for across, down in product((-1, 0, 1), repeat=2) if (across, down) != (0, 0))
# A rim's bubbles have to look so much more like the others than what stands beyond the opposite rim. Chosen on real
# sheets: there the difference is 0.16 to 0.64 where the form lies right (0.04 on pages that hold nearly nothing), and
# mostly -0.6 to -0.26 where it lies a pitch off.
CLEAR_DIFFERENCE = 0.1
# So many bubbles tell what a rim looks like.
MOST_OF_RIM = 48


@dataclass(frozen=True)
class Slips:
    """For each of STEPS how much more like bubbles the page is where the form would lie then, -1 to 1.

    Empty where the page holds too few bubbles to tell.
    """

    gains: dict[tuple[int, int], float]

    @property
    def best(self) -> tuple[tuple[int, int], float]:
        """The step that gains most, and its gain, which is below 0 where the form lies right."""
        return max(self.gains.items(), key=lambda one: one[1], default=((0, 0), -1.0))

    @property
    def lies_right(self) -> bool:
        """No step would be as good, as far as the page can tell."""
        return bool(self.gains) and self.best[1] < -CLEAR_DIFFERENCE


NOT_ASKED = Slips({})


def slips_of(likeness: Likeness | None, places: Points, layout: Layout, canvas: Canvas) -> Slips:
    """`places` (n, 2) are where the bubbles are taken to be, in pixels of the canvas that `likeness` was learnt on."""
    if likeness is None:
        return NOT_ASKED
    asked: list[Points] = []
    for step in STEPS:
        lost, gained = layout.rims[step]
        beyond = places[gained] + np.array(step) * layout.pitches_of_bubble[gained] * canvas.px_per_unit
        asked += [_some(places[lost]), _some(beyond)]
    alike = likeness.at(np.concatenate(asked))
    parts = np.split(alike, np.cumsum([len(part) for part in asked])[:-1])
    pairs = zip(STEPS, parts[::2], parts[1::2], strict=True)
    return Slips({step: float(beyond.mean() - rim.mean()) for step, rim, beyond in pairs if len(rim) and len(beyond)})


def _some(places: Points) -> Points:
    return places[:: -(-len(places) // MOST_OF_RIM)] if len(places) else places
