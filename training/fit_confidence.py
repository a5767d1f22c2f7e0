"""Fit what a confidence is worth: `python -m training.fit_confidence --seed 3` writes it to jobs/omr/marks.

Sheets are drawn, degraded and marked as for `training.answers`, and read with both engines at the drawing's places. How
often fields are right rises with what the engines say of them (isotonic regression, Barlow and Brunk 1972). Fields
below the confidence at which doubt begins stay below it, those above stay above, whatever came of them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobs.omr.form import Form
from jobs.omr.marks.confidence import TABLE
from jobs.omr.marks.fields import weighed
from jobs.omr.marks.meaning import meanings_of
from jobs.omr.marks.measuring import patches_of
from jobs.omr.marks.pooling import pooled
from jobs.omr.reader.engines import open_engines
from pipeline.contracts.omr import REVIEW_CONFIDENCE, Engine
from training.answers import SHARES, STANDS
from training.degrading.degradation import random_degradation
from training.degrading.degrade import degrade
from training.drawing.draw import draw_sheet
from training.registering import registered_by_truth

SHEETS = 250
# A row of the table stands for at least so many fields, and its ends keep off the next by so much.
FEWEST = 60
APART = 1e-3

Floats = NDArray[np.float64]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=3)
    asked.add_argument("--out", type=Path, default=TABLE)
    given = asked.parse_args()
    said, right = _drawn(given.seed)
    below = said < REVIEW_CONFIDENCE
    rows = [
        (0.0, 0.0),
        *_rising(said[below], right[below], between=(APART, REVIEW_CONFIDENCE - 10 * APART)),
        (REVIEW_CONFIDENCE, REVIEW_CONFIDENCE),
        *_rising(said[~below], right[~below], between=(REVIEW_CONFIDENCE + 10 * APART, 1 - 1e-4)),
        (1.0, 1.0),
    ]
    stored = {
        "source": f"{len(said)} fields of {SHEETS} drawn and degraded sheets; no real sheet",
        "retrain": f"python -m training.fit_confidence --seed {given.seed}",
        "said": [round(row[0], 5) for row in rows],
        "right": [round(row[1], 5) for row in rows],
    }
    given.out.write_text(json.dumps(stored) + "\n")
    print(given.out.read_text())


def _drawn(seed: int) -> tuple[Floats, NDArray[np.bool_]]:
    """(fields,) of all sheets what is said of each and whether it is right."""
    engines = open_engines(Engine.NETWORK)
    said, right = [], []
    for number in range(SHEETS):
        rng = np.random.default_rng([seed, number, 0xC0F])
        drawn = draw_sheet(int(rng.integers(1 << 40)), shares=SHARES)
        captured = degrade(drawn, random_degradation(rng), int(rng.integers(1 << 40)))
        form = Form(template=drawn.template, pictures={})
        registered = registered_by_truth(captured, drawn.template, rng, wrong_by=0.5)
        states, check = engines.judge(patches_of(registered, form))
        assert check is not None
        alone = [meanings_of(each, form) for each in (states, check)]
        marked, weight = weighed(meanings_of(pooled(states, check), form), form, engines=alone)
        wrong = np.bincount(form.field_of_bubble, weights=marked != np.isin(drawn.states, STANDS))
        said.append(weight)
        right.append(wrong == 0)
    return np.concatenate(said), np.concatenate(right)


def _rising(said: Floats, right: NDArray[np.bool_], *, between: tuple[float, float]) -> list[tuple[float, float]]:
    """Rows of what is said, from and to, and the share of it that is right, both rising (pool adjacent violators)."""
    order = np.argsort(said, kind="stable")
    ordered = said[order]
    # What many fields say alike, such as that the engines differ, is a row of its own.
    starts, ends = (np.searchsorted(ordered, ordered[::FEWEST], side) for side in ("left", "right"))
    cuts = np.unique(np.concatenate([starts, ends[ends - starts > FEWEST]]))
    pools: list[tuple[float, float, float, int]] = []
    for some in np.split(order, cuts[(cuts > 0) & (cuts < len(order))]):
        pools.append((said[some[0]], said[some[-1]], float(right[some].sum()), len(some)))
        while len(pools) > 1 and pools[-2][2] / pools[-2][3] >= pools[-1][2] / pools[-1][3]:
            last, before = pools.pop(), pools.pop()
            pools.append((before[0], last[1], before[2] + last[2], before[3] + last[3]))
    shares = [float(np.clip(hits / count, *between)) for _, _, hits, count in pools]
    return [(end, share) for pool, share in zip(pools, shares, strict=True) for end in pool[:2]]


if __name__ == "__main__":
    main()
