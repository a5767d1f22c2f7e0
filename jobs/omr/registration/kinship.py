"""Whether the page under a fit is a sheet of this form, or another on which its bubbles find something to sit on.

The rows of another form may lie as far apart, and its columns be stretched until each falls on a bubble, a letter or a
rule. But then many a place between two columns looks as much like a bubble as the columns do. On a sheet of the form's
own hardly any does, however badly it is printed or lit, since both stand side by side.
"""

import numpy as np

from jobs.omr.layout import Layout, Points
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.likeness import Likeness

# The share of bubbles that look more like one than a place half a pitch beside them. On the sheets at hand it is 0.92
# and more under the form's own template, 0.79 and less under those of others that otherwise fit.
LEAST_STANDING_OUT = 0.85
# Fewer pairs tell nothing.
LEAST_PAIRS = 24


def standing_out(likeness: Likeness | None, places: Points, layout: Layout, canvas: Canvas) -> float:
    """The share of bubbles that stand out from what is beside them, or from what is above and below them, whichever is
    less; 1 where too few are printed to tell.

    `places` (n, 2) are where the bubbles are taken to be, in pixels of the canvas that `likeness` was learnt on. Where
    nothing is printed no one is asked: a page may hold little of the form.
    """
    if likeness is None:
        return 1.0
    here = np.unique(np.concatenate([asked.bubbles for asked in layout.beside]))
    here = here[likeness.printed(places[here])]
    pairs = [(asked, np.isin(asked.bubbles, here)) for asked in layout.beside]
    there = [places[asked.bubbles[some]] + asked.steps[some] * canvas.px_per_unit for asked, some in pairs]
    alike, *beside = np.split(
        likeness.at(np.concatenate([places[here], *there])), np.cumsum([len(here), *map(len, there)])[:-1]
    )
    shares = [
        float((alike[np.searchsorted(here, asked.bubbles[some])] > other).mean())
        for (asked, some), other in zip(pairs, beside, strict=True)
        if len(other) >= LEAST_PAIRS
    ]
    return min(shares, default=1.0)
