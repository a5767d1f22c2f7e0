"""Whether the page under a fit is a sheet of this form, or another on which its bubbles find something to sit on.

The rows of another form may lie as far apart, and its columns be stretched until each falls on a bubble, a letter or a
rule. But then many a place between two columns looks as much like a bubble as the columns do. On a sheet of the form's
own hardly any does, however badly it is printed or lit, since both stand side by side.
"""

import numpy as np

from jobs.omr.layout import Layout, Points
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.evidence import Ink
from jobs.omr.registration.slips import (
    AROUND_PX,
    HALF_PATCH,
    MOST_LEARNT_FROM,
    PRINTED,
    likeness_of,
    patterns_of,
    windows_at,
)

# The share of bubbles that look more like one than a place half a pitch beside them. On the sheets at hand it is 0.93
# and more under the form's own template, 0.79 and less under those of others that otherwise fit.
LEAST_STANDING_OUT = 0.85
# Fewer pairs tell nothing.
LEAST_PAIRS = 24


def standing_out(ink: Ink, places: Points, layout: Layout, canvas: Canvas) -> float:
    """The share of bubbles that stand out from what is beside them, or from what is above and below them, whichever is
    less; 1 where too few are printed to tell.

    `places` (n, 2) are where the bubbles are taken to be, in pixels of the canvas that `ink` is. Where nothing is
    printed no one is asked: a page may hold little of the form.
    """
    half = np.array(layout.half_size) * canvas.px_per_unit
    reach = np.ceil(HALF_PATCH * half).astype(int)
    patterns = patterns_of(windows_at(ink, places[:: max(1, len(places) // MOST_LEARNT_FROM)], reach), half, reach)
    shares = [1.0]
    for asked in layout.beside if patterns else ():
        printed = windows_at(ink, places[asked.bubbles], reach).mean(axis=(1, 2)) > PRINTED
        if printed.sum() < LEAST_PAIRS:
            continue
        here = places[asked.bubbles[printed]]
        there = here + asked.steps[printed] * canvas.px_per_unit
        alike = likeness_of(windows_at(ink, np.concatenate([here, there]), reach + AROUND_PX), patterns)
        shares.append(float((alike[: len(here)] > alike[len(here) :]).mean()))
    return min(shares)
