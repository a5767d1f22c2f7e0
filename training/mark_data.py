"""Bubbles to learn from: drawn, degraded and cut out just as the reader cuts real ones."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.measuring import patches_of
from jobs.omr.marks.patches import PatchBatch, joined
from training.degrading.degradation import Degradation, random_degradation
from training.degrading.degrade import degrade
from training.drawing.draw import MARK_SHARES, draw_sheet
from training.drawing.population import EVEN, VARIED, Population
from training.drawing.sheet import DrawnSheet
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
# For so many sheets there is one more that was marked with a pencil fainter than any of theirs. Those stand for fewer
# sheets than they are, since hardly anybody writes so.
FAINT_EVERY = 4
FAINT_STANDS_FOR = 0.5
# What such a pencil takes of the light, and the least that is left of it in a capture that still shows it.
FAINTEST, FAINT = 0.12, 0.28
LEAST_SHOWN = 0.09
STANDS_FOR = np.array([REAL_SHARES[state] / MARK_SHARES[state] if state in MARK_SHARES else 1.0 for state in Drawn])


@dataclass(frozen=True)
class Bubbles:
    """`states` (n,) holds a `Drawn` for each patch, `weights` (n,) how many bubbles of real sheets each stands for."""

    patches: PatchBatch
    states: NDArray[np.int64]
    weights: NDArray[np.float32]


def bubbles(sheets: int, seed: int) -> Bubbles:
    """The bubbles that the network learns from, of so many sheets, each with its own form, hands, and way through
    printer and scanner or phone. None are faint: a network that learnt from faint marks, too, took what is uneven in
    the print of real sheets for them.
    """
    parts = [sheet_bubbles(seed, number, EVEN) for number in range(sheets)]
    return Bubbles(
        patches=joined([part.patches for part in parts]),
        states=np.concatenate([part.states for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


def sheets_of(sheets: int) -> int:
    """How many are drawn where there are so many that are not faint."""
    return sheets + sheets // FAINT_EVERY


def sheet_bubbles(seed: int, number: int, population: Population = VARIED) -> Bubbles:
    rng = np.random.default_rng([seed, number, 0xB0B])
    drawn = draw_sheet(int(rng.integers(1 << 40)), population=population)
    return _captured(drawn, random_degradation(rng), rng)


def faint_sheet_bubbles(seed: int, number: int) -> Bubbles:
    """Of a sheet whose marks hardly show. A scan of one bit would not show them at all."""
    rng = np.random.default_rng([seed, number, 0xFA1])
    degradation = replace(random_degradation(rng), one_bit=None)
    strength = float(rng.uniform(max(FAINTEST, LEAST_SHOWN / degradation.contrast), FAINT))
    drawn = draw_sheet(int(rng.integers(1 << 40)), strength=strength)
    found = _captured(drawn, degradation, rng)
    return replace(found, weights=found.weights * np.float32(FAINT_STANDS_FOR))


def _captured(drawn: DrawnSheet, degradation: Degradation, rng: np.random.Generator) -> Bubbles:
    """The marked bubbles, and some of the others with the weight of all."""
    captured = degrade(drawn, degradation, int(rng.integers(1 << 40)))
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
