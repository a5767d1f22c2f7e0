"""Forms on which a cross marks and a full box takes it back: `python -m training.taken_back --seed 1 --sheets 40`.

Sheets of boxes are drawn, crossed and here and there filled by hands and pens of every kind, degraded as for training
and read by the reader with both engines at the drawing's places. Counted are both errors: crosses that are not read,
and full boxes that are, each apart by whether the answer says that it is in doubt.
"""

import argparse
from collections import Counter
from collections.abc import Iterator

import numpy as np

from jobs.omr.answers import read_fields
from jobs.omr.form import Form
from jobs.omr.marks.measuring import patches_of
from jobs.omr.reader.engines import Engines, open_engines
from pipeline.answer_sheets.template import MarkRules, Meaning, Shape, Template
from pipeline.contracts.omr import REVIEW_CONFIDENCE, Engine
from training.degrading.degradation import random_degradation
from training.degrading.degrade import degrade
from training.drawing.draw import draw_template
from training.drawing.layout import random_template
from training.drawing.sheet import DrawnSheet
from training.drawing.states import Drawn
from training.registering import registered_by_truth

RULES = MarkRules(filled=Meaning.UNMARKED, cross=Meaning.MARKED, tick=Meaning.MARKED)
SHARES = {Drawn.CROSS: 0.88, Drawn.FILLED: 0.12}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--sheets", type=int, default=40)
    given = asked.parse_args()
    engines = open_engines(Engine.NETWORK)
    found = Counter(each for number in range(given.sheets) for each in _read(given.seed, number, engines))
    for drawn, name in ((Drawn.CROSS, "crosses"), (Drawn.FILLED, "full boxes"), (Drawn.BLANK, "empty boxes")):
        of_kind = {key: count for key, count in found.items() if key[0] is drawn}
        wrong = sum(count for (_, right, _), count in of_kind.items() if not right)
        unseen = sum(count for (_, right, flagged), count in of_kind.items() if not right and not flagged)
        print(f"{name}: {sum(of_kind.values())}, {wrong} wrong, {unseen} of them not flagged")


def _read(seed: int, number: int, engines: Engines) -> Iterator[tuple[Drawn, bool, bool]]:
    """Of each box what it is, whether it was read so, and whether its answer is in doubt."""
    rng = np.random.default_rng([seed, number, 0x7AB])
    drawn = _crossed_sheet(rng)
    captured = degrade(drawn, random_degradation(rng), int(rng.integers(1 << 40)))
    form = Form(template=drawn.template, pictures={})
    registered = registered_by_truth(captured, drawn.template, rng, wrong_by=0.5)
    states, check = engines.judge(patches_of(registered, form))
    read = read_fields(registered, form, states, check=check)
    bubbles = ((field, value) for field, options in zip(form.fields, form.options, strict=True) for value in options)
    for (field, value), state in zip(bubbles, drawn.states, strict=True):
        marks = read[field.name]
        right = (value in marks.values) == (state == Drawn.CROSS)
        yield Drawn(state), right, marks.confidence < REVIEW_CONFIDENCE


def _crossed_sheet(rng: np.random.Generator) -> DrawnSheet:
    template = random_template(rng)
    blocks = tuple(block.model_copy(update={"shape": Shape.SQUARE}) for block in template.blocks)
    boxes: Template = template.model_copy(update={"blocks": blocks, "rules": RULES})
    return draw_template(boxes, rng, px_per_mm=8.0, shares=SHARES)


if __name__ == "__main__":
    main()
