"""Bubbles to learn from: drawn, degraded and cut out just as the reader cuts real ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.measuring import patches_of
from jobs.omr.marks.patches import PatchBatch, joined
from training.degrading.degradation import random_degradation
from training.degrading.degrade import degrade
from training.drawing.draw import MARK_SHARES, draw_sheet
from training.drawing.states import Drawn
from training.registering import registered_by_truth

# Of a sheet's unmarked bubbles at most this many for each marked one are kept: they are all alike.
BLANKS_PER_MARK = 2.0
FEWEST_BLANKS = 20
# What marks on real sheets are, by our estimate: nearly all of them fills. Probabilities are calibrated to this
# mixture, so that a sloppy fill is not taken for the rare one that was struck out.
REAL_SHARES = {
    Drawn.FILLED: 0.82,
    Drawn.PARTIAL: 0.04,
    Drawn.ERASED: 0.04,
    Drawn.CANCELLED: 0.02,
    Drawn.TICK: 0.03,
    Drawn.CROSS: 0.05,
}
STANDS_FOR = np.array([REAL_SHARES[state] / MARK_SHARES[state] if state in MARK_SHARES else 1.0 for state in Drawn])


@dataclass(frozen=True)
class Bubbles:
    """`states` (n,) holds a `Drawn` for each patch, `weights` (n,) how many bubbles of real sheets each stands for."""

    patches: PatchBatch
    states: NDArray[np.int64]
    weights: NDArray[np.float32]


def bubbles(sheets: int, seed: int) -> Bubbles:
    """The bubbles of so many sheets, each with its own form, hands, and way through printer and scanner or phone."""
    parts = [sheet_bubbles(seed, number) for number in range(sheets)]
    return Bubbles(
        patches=joined([part.patches for part in parts]),
        states=np.concatenate([part.states for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


def sheet_bubbles(seed: int, number: int) -> Bubbles:
    rng = np.random.default_rng([seed, number, 0xB0B])
    drawn = draw_sheet(int(rng.integers(1 << 40)))
    captured = degrade(drawn, random_degradation(rng), int(rng.integers(1 << 40)))
    registered = registered_by_truth(captured, drawn.template, rng, wrong_by=float(rng.uniform(0.3, 1.2)))
    patches = patches_of(registered, Form(template=drawn.template, pictures={}))
    blank = np.flatnonzero(drawn.states == Drawn.BLANK)
    marked = np.flatnonzero(drawn.states != Drawn.BLANK)
    few = rng.permutation(blank)[: max(FEWEST_BLANKS, int(BLANKS_PER_MARK * len(marked)))]
    kept = np.sort(np.concatenate([marked, few]))
    states = drawn.states[kept]
    weights = (STANDS_FOR[states] * np.where(states == Drawn.BLANK, len(blank) / max(len(few), 1), 1.0)).astype(
        np.float32
    )
    some = PatchBatch(patches.pixels[kept], patches.own_print[kept], patches.context[kept])
    return Bubbles(patches=some, states=states, weights=weights)
