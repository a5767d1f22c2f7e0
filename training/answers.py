"""Whether a whole answer's confidence means what it says: `python -m training.answers --seed 1 --sheets 300`.

Sheets are drawn and degraded at random as for training, registered and read by the reader with both engines. With
`--places true` the places of the bubbles are the drawing's, off by as much as a good registration may be.
"""

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobs.omr.answers import read_sheet
from jobs.omr.form import Form
from jobs.omr.marks.measuring import patches_of
from jobs.omr.page import Page, PageRefused
from jobs.omr.reader.engines import open_engines
from jobs.omr.registration.register import register
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import FiducialKind, Template
from pipeline.contracts.omr import REVIEW_CONFIDENCE, Engine
from training.calibration import expected_error, plot_reliability, table_of
from training.degrading.degradation import random_degradation
from training.degrading.degrade import Captured, degrade
from training.drawing.draw import draw_sheet
from training.drawing.sheet import DrawnSheet
from training.drawing.states import Drawn
from training.places import Places
from training.registering import registered_by_truth

# How marks are made on the sheets that are handed in, roughly. What covers only part of a bubble is left out: what it
# means is for the template to say.
SHARES = {
    Drawn.FILLED: 0.85,
    Drawn.TICK: 0.03,
    Drawn.CROSS: 0.05,
    Drawn.ERASED: 0.05,
    Drawn.CANCELLED: 0.02,
}
STANDS = (Drawn.FILLED, Drawn.TICK, Drawn.CROSS)


@dataclass(frozen=True)
class Answered:
    """(n,) each: how sure the reader is of each answer, and whether it is exactly right."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--sheets", type=int, default=300)
    asked.add_argument("--places", type=Places, choices=list(Places), default=Places.READER)
    asked.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "omr-accuracy")
    given = asked.parse_args()
    started = time.monotonic()
    sheets = list(answered_sheets(given.seed, given.sheets, given.places))
    read = [sheet for sheet in sheets if sheet is not None]
    answers = Answered(*(np.concatenate(parts) for parts in zip(*((s.confidence, s.right) for s in read), strict=True)))
    table = table_of(answers.confidence, answers.right, np.ones(len(answers.right)))
    given.out.mkdir(parents=True, exist_ok=True)
    plot_reliability(table, given.out / f"answers-{given.places}.png", "whole answers, drawn sheets")
    with (given.out / f"answers-{given.places}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("mean_confidence", "share_right", "answers"))
        writer.writerows((f"{sure:.5f}", f"{right:.5f}", f"{many:.0f}") for sure, right, many in table)
    sure = answers.confidence >= REVIEW_CONFIDENCE
    print(
        f"{len(read)} of {len(sheets)} sheets read, {len(sure)} answers: {answers.right.mean():.4%} right, "
        f"{(~sure).mean():.4%} doubted, {(sure & ~answers.right).mean():.4%} wrong and not doubted, "
        f"expected calibration error {expected_error(table):.4%}, {time.monotonic() - started:.0f} s"
    )


def answered_sheets(seed: int, sheets: int, places: Places) -> Iterator[Answered | None]:
    """None stands for a sheet that was refused. Sheets without fiducials are left to tests of registration."""
    engines = open_engines(Engine.NETWORK)
    for number in count():
        if not sheets:
            return
        rng = np.random.default_rng([seed, number, 0xA25])
        drawn = draw_sheet(int(rng.integers(1 << 40)), shares=SHARES)
        if drawn.template.fiducials[0].kind is FiducialKind.PAGE_EDGE:
            continue
        sheets -= 1
        degradation = random_degradation(rng)
        captured = degrade(drawn, degradation, int(rng.integers(1 << 40)))
        form = Form(template=drawn.template, pictures={})
        registered = placed(captured, drawn.template, places, dpi=degradation.dpi, rng=rng)
        if registered is None:
            yield None
            continue
        states, check = engines.judge(patches_of(registered, form))
        reading = read_sheet(registered, form, states, file="drawn", page=1, check=check)
        truth = truth_of(drawn, form)
        yield Answered(
            np.array([answer.confidence for answer in reading.answers]),
            np.array([answer.detected == truth[answer.question_id] for answer in reading.answers]),
        )


def placed(
    captured: Captured, template: Template, places: Places, *, dpi: float, rng: np.random.Generator
) -> Registered | None:
    """Where the bubbles are, or None where the reader refuses the page."""
    match places:
        case Places.TRUE:
            return registered_by_truth(captured, template, rng, wrong_by=0.5)
        case Places.READER:
            try:
                return register(Page(number=1, gray=captured.gray, dpi=dpi), Form(template=template, pictures={}))
            except PageRefused:
                return None


def truth_of(drawn: DrawnSheet, form: Form) -> dict[str, tuple[str, ...]]:
    """The values that stand marked in each field."""
    values = np.array([bubble.value for field in form.fields for bubble in field.bubbles])
    stands = np.isin(drawn.states, STANDS)
    return {
        field.name: tuple(str(value) for value in values[(form.field_of_bubble == number) & stands])
        for number, field in enumerate(form.fields)
    }


if __name__ == "__main__":
    main()
