"""How much the reader stands: `python -m training.stress --seed 1` degrades drawn sheets more and more and reads them.

Registration, patches, engines and answers are the reader's own; only the page is made here. With `--places true` the
places of the bubbles are the drawing's, off by as much as a good registration may be: then the engines alone are at
fault.
"""

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jobs.omr.answers import read_sheet
from jobs.omr.form import Form
from jobs.omr.marks.classical import ClassicalEngine
from jobs.omr.marks.engine import MarkEngine, MarkStates
from jobs.omr.marks.measuring import patches_of
from jobs.omr.networks.mark_engine import NetworkMarkEngine
from jobs.omr.networks.session import Provider
from jobs.omr.page import Page, PageRefused
from jobs.omr.registration.register import register
from pipeline.answer_sheets.template import FiducialKind
from pipeline.contracts.omr import REVIEW_CONFIDENCE, Answer
from training.degrading.degradation import Capture, Degradation
from training.degrading.degrade import degrade
from training.drawing.draw import draw_sheet
from training.drawing.sheet import DrawnSheet
from training.drawing.states import Drawn
from training.places import Places
from training.registering import registered_by_truth
from training.stress_plot import plot

PAGE_MM = (210.0, 297.0)
CLEAN = Degradation(dpi=150, blur_mm=0.05, noise=0.01, skew_deg=0.5, jpeg_quality=85, paper=0.93)
PHOTO = replace(CLEAN, capture=Capture.PHOTO, perspective=0.02, paper=0.8)
PENCIL = "pencil strength"
# A soft pencil or a pen: what stands on the sheets where something else is swept.
USUAL_STRENGTH = 0.7
# Each axis from harmless to hopeless: the field that is swept, the page that it is swept on, and its strengths.
AXES: dict[str, tuple[Degradation, tuple[float, ...]]] = {
    "blur_mm": (CLEAN, (0.05, 0.15, 0.25, 0.4, 0.6, 0.8, 1.1)),
    "noise": (CLEAN, (0.0, 0.03, 0.06, 0.1, 0.15, 0.22, 0.3)),
    "skew_deg": (CLEAN, (0.0, 1.0, 2.0, 4.0, 7.0, 11.0, 16.0)),
    "perspective": (PHOTO, (0.0, 0.02, 0.04, 0.07, 0.1, 0.15)),
    "curvature": (PHOTO, (0.0, 0.005, 0.01, 0.02, 0.03, 0.05)),
    "gradient": (PHOTO, (0.0, 0.2, 0.4, 0.6, 0.75, 0.9)),
    "shadow": (PHOTO, (0.0, 0.2, 0.4, 0.6, 0.75, 0.9)),
    "glare": (PHOTO, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
    "jpeg_quality": (CLEAN, (95, 60, 40, 25, 15, 8, 4)),
    "dpi": (CLEAN, (200, 150, 100, 80, 65, 50, 40)),
    "contrast": (CLEAN, (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1)),
    PENCIL: (CLEAN, (0.8, 0.5, 0.35, 0.25, 0.18, 0.12, 0.07)),
}


WAYS = ("classical", "network", "network checked by classical")


@dataclass(frozen=True)
class Tally:
    """Of `questions`, how many were exactly right, and how many wrong with nothing that says so."""

    questions: int
    right: int
    wrong_unflagged: int
    flagged: int


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--sheets", type=int, default=8)
    asked.add_argument("--places", type=Places, choices=list(Places), default=Places.READER)
    asked.add_argument("--axes", nargs="*", default=list(AXES))
    asked.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "omr-accuracy")
    given = asked.parse_args()
    started = time.monotonic()
    rows = [row for axis in given.axes for row in swept(axis, given.seed, given.sheets, given.places)]
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / f"stress-{given.places}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    plot(rows, given.out / f"stress-{given.places}.png")
    print(f"{time.monotonic() - started:.0f} s")


def swept(axis: str, seed: int, sheets: int, places: Places) -> Iterator[dict[str, Any]]:
    """A row for each strength and each way of reading."""
    page, strengths = AXES[axis]
    engines = (ClassicalEngine(), NetworkMarkEngine(Provider.CPU))
    for strength in strengths:
        pencil = strength if axis == PENCIL else USUAL_STRENGTH
        degradation = page if axis == PENCIL else swept_degradation(page, axis, strength)
        tallies: dict[str, list[Tally]] = {way: [] for way in WAYS}
        refused = 0
        for number, drawn in enumerate(stress_sheets(seed, sheets, pencil)):
            read = tallied(drawn, degradation, seed * 1000 + number, engines=engines, places=places)
            refused += read is None
            nothing = Tally(questions_of(drawn), 0, 0, questions_of(drawn))
            for place, way in enumerate(WAYS):
                tallies[way].append(nothing if read is None else read[place])
        for way, each in tallies.items():
            total = sum(tally.questions for tally in each)
            row = {"axis": axis, "strength": strength, "way": way, "questions": total, "refused_sheets": refused}
            for name in ("right", "wrong_unflagged", "flagged"):
                row[name] = round(sum(getattr(tally, name) for tally in each) / total, 5)
            yield row
            print(*row.values(), flush=True)


def swept_degradation(page: Degradation, axis: str, strength: float) -> Degradation:
    changed: dict[str, Any] = {axis: strength}
    return replace(page, **changed)


def stress_sheets(seed: int, count: int, strength: float) -> Iterator[DrawnSheet]:
    """Sheets with fiducials on them, filled in and not otherwise marked."""
    number = 0
    while count:
        number += 1
        drawn = draw_sheet(seed * 100_000 + number, page_mm=PAGE_MM, shares={Drawn.FILLED: 1.0}, strength=strength)
        if drawn.template.fiducials[0].kind is not FiducialKind.PAGE_EDGE:
            count -= 1
            yield drawn


def questions_of(drawn: DrawnSheet) -> int:
    return len(drawn.template.all_outputs())


def tallied(
    drawn: DrawnSheet, degradation: Degradation, seed: int, *, engines: tuple[MarkEngine, MarkEngine], places: Places
) -> tuple[Tally, ...] | None:
    """One for each of `WAYS`, or None where the page is refused."""
    form = Form(template=drawn.template, pictures={})
    captured = degrade(drawn, degradation, seed)
    try:
        match places:
            case Places.READER:
                registered = register(Page(number=1, gray=captured.gray, dpi=degradation.dpi), form)
            case Places.TRUE:
                rng = np.random.default_rng(seed)
                registered = registered_by_truth(captured, drawn.template, rng, wrong_by=0.5)
    except PageRefused:
        return None
    patches = patches_of(registered, form)
    classical, network = (engine.judge(patches) for engine in engines)

    def answers(states: MarkStates, check: MarkStates | None) -> tuple[Answer, ...]:
        return read_sheet(registered, form, states, file="drawn", page=1, check=check).answers

    truth = _truth(drawn, form)
    return (
        _tally(answers(classical, None), truth),
        _tally(answers(network, None), truth),
        _tally(answers(network, classical), truth),
    )


def _truth(drawn: DrawnSheet, form: Form) -> dict[str, tuple[str, ...]]:
    values = np.array([bubble.value for field in form.fields for bubble in field.bubbles])
    filled = drawn.states == Drawn.FILLED
    return {
        field.name: tuple(str(value) for value in values[(form.field_of_bubble == number) & filled])
        for number, field in enumerate(form.fields)
    }


def _tally(answers: tuple[Answer, ...], truth: dict[str, tuple[str, ...]]) -> Tally:
    right = [answer.detected == truth[answer.question_id] for answer in answers]
    flagged = [answer.confidence < REVIEW_CONFIDENCE for answer in answers]
    unflagged = sum(not fine and not seen for fine, seen in zip(right, flagged, strict=True))
    return Tally(len(answers), sum(right), unflagged, sum(flagged))


if __name__ == "__main__":
    main()
