"""A form that lies a row or a column off is put right: by the page's bubbles, else by what the template declares."""

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, moved
from jobs.omr.registration.refining import Fit, Looking, followed, refine, translation
from jobs.omr.registration.slips import CLEAR_DIFFERENCE

# So many pitches a form may be put right by, one after the other.
MOST_STEPS = 3
# A fit a pitch further may be so much worse, since what is there may be worse printed.
MOST_LOSS = 0.8


def settled(looking: Looking, homography: NDArray[np.float64]) -> Fit:
    """As `refine`, then moved by whole pitches for as long as the rims of its blocks say so.

    Where they cannot tell, it goes back to the pitch nearest to where `homography` had it.
    """
    layout = looking.layout
    fit = refine(looking, homography)
    for _ in range(MOST_STEPS):
        step, gain = fit.slips.best
        if gain < CLEAR_DIFFERENCE:
            step = back(fit, homography, layout)
        if step == (0, 0):
            break
        by = np.array(step) * np.median(layout.pitches_of_bubble, axis=0)
        further = followed(looking, fit.homography @ translation(by))
        if further.quality < MOST_LOSS * fit.quality or further.slips.best[1] > max(gain, CLEAR_DIFFERENCE):
            break
        fit = further
    return fit


def back(fit: Fit, homography: NDArray[np.float64], layout: Layout) -> tuple[int, int]:
    """The step that leads a fit back towards where `homography` has it, (0, 0) where the page says that it must not."""
    drift = pitches_between(fit, homography, layout)
    step = (int(np.clip(-drift[0], -1, 1)), int(np.clip(-drift[1], -1, 1)))
    return step if fit.slips.gains.get(step, -1.0) > -CLEAR_DIFFERENCE else (0, 0)


def pitches_between(fit: Fit, homography: NDArray[np.float64], layout: Layout) -> tuple[int, int]:
    """By how many pitches, across and down, the fit lies off a homography, in the form's middle."""
    off = fit.off[:: layout.sample_step]
    there = moved(np.linalg.inv(homography) @ fit.homography, layout.sample + off)
    off = np.median(there - layout.sample, axis=0) / np.median(layout.pitches_of_bubble, axis=0)
    return int(np.round(off[0])), int(np.round(off[1]))
