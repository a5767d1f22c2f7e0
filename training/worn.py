"""Whether real sheets read the same after more wear: `python -m training.worn SET_FOLDER... --seed 1 --kinds 2`.

Each sheet is read as it is, then worn in a few ways and read again. An answer that differs from the first reading with
nothing that says so is an error; a refused page and an answer in doubt are not.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.answers import read_sheet
from jobs.omr.evaluating.truth import load_truth
from jobs.omr.form import Form
from jobs.omr.marks.measuring import patches_of
from jobs.omr.page import Gray, Page, PageRefused, RefusedPage
from jobs.omr.pages.opening import open_pages
from jobs.omr.pages.template_pictures import template_pictures
from jobs.omr.reader.engines import Engines, open_engines
from jobs.omr.registration.register import register
from pipeline.answer_sheets.continuing import template_of_page
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.contracts.omr import REVIEW_CONFIDENCE, Engine, OmrLimits

LONG_SIDE_IN = 11.7
Wear = Callable[[Gray, np.random.Generator], Gray]
Read = dict[str, tuple[tuple[str, ...], float]]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folders", type=Path, nargs="+")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--kinds", type=int, default=len(WEARS), help="so many of them for each sheet, in turn")
    given = asked.parse_args()
    cv2.setNumThreads(1)
    engines = open_engines(Engine.NETWORK)
    totals = {name: np.zeros(5, int) for name in WEARS}
    for number, (name, form, page) in enumerate(originals(given.folders)):
        first = read(page, form, engines)
        rng = np.random.default_rng([given.seed, number])
        for kind in (list(WEARS) * 2)[number % len(WEARS) :][: given.kinds]:
            worn = Page(1, WEARS[kind](page.gray, rng), None, page.dpi)
            row = compared(first, read(worn, form, engines))
            totals[kind] += row
            if row[4] or row[1]:
                print(f"{name}, {kind}: {'refused' if row[1] else f'{row[4]} wrong and not doubted'}", flush=True)
    print("kind, sheets, refused, answers, in doubt, wrong and not doubted")
    for kind, row in (*totals.items(), ("all", np.sum(list(totals.values()), axis=0))):
        print(kind, *row, sep=", ")


def originals(folders: list[Path]) -> Iterator[tuple[str, Form, Page]]:
    """Every page of the sets that opens."""
    for folder in folders:
        opened = open_template(folder / "template.json")
        pictures = template_pictures(opened)
        for truth in load_truth(folder):
            page = next(open_pages(folder / truth.file, OmrLimits()))
            if not isinstance(page, RefusedPage):
                yield truth.file, Form(template_of_page(opened.template, truth.page), pictures), page


def read(page: Page, form: Form, engines: Engines) -> Read | None:
    """Values and confidence by question; None where the page is refused."""
    try:
        registered = register(page, form)
    except PageRefused:
        return None
    states, check = engines.judge(patches_of(registered, form))
    reading = read_sheet(registered, form, states, file="worn", page=1, check=check)
    return {answer.question_id: (answer.detected, answer.confidence) for answer in reading.answers}


def compared(first: Read | None, worn: Read | None) -> NDArray[np.int_]:
    """Sheets, refused, answers, in doubt, wrong and not doubted. What was in doubt at first is not asked."""
    if first is None or worn is None:
        return np.array([1, 1, 0, 0, 0])
    asked = [name for name, (_, sure) in first.items() if sure >= REVIEW_CONFIDENCE]
    doubted = [worn[name][1] < REVIEW_CONFIDENCE for name in asked]
    wrong = [worn[name][0] != first[name][0] for name in asked]
    silent = sum(off and not seen for off, seen in zip(wrong, doubted, strict=True))
    return np.array([1, 0, len(asked), sum(doubted), silent])


def skewed(gray: Gray, rng: np.random.Generator) -> Gray:
    """Turned by one to five degrees, and by any number of quarter turns; what the page does not cover is paper."""
    height, width = gray.shape
    angle = float(rng.uniform(1, 5) * rng.choice([-1, 1]))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    turned = cv2.warpAffine(gray, matrix, (width, height), borderValue=float(np.percentile(gray, 90)))
    return np.ascontiguousarray(np.rot90(turned, int(rng.integers(4))), np.uint8)


def rescaled(gray: Gray, rng: np.random.Generator) -> Gray:
    """100 to 300 dots per inch, were the page's longer side that of A4."""
    scale = float(rng.uniform(100, 300)) * LONG_SIDE_IN / max(gray.shape)
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=flags), np.uint8)


def compressed(gray: Gray, _: np.random.Generator) -> Gray:
    data = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def shaded(gray: Gray, rng: np.random.Generator) -> Gray:
    """Half of the light is lost from one side to the other."""
    light = np.linspace(1.0, 0.5, gray.shape[1], dtype=np.float32)[:: int(rng.choice([-1, 1]))]
    return np.asarray((gray * light[None]).clip(0, 255), np.uint8)


def tilted(gray: Gray, rng: np.random.Generator) -> Gray:
    """Each corner up to 5 % of the page's side off, towards its middle, before a dark desk."""
    height, width = gray.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * rng.uniform(0, 0.05, (4, 2)) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, (corners + inwards).astype(np.float32))
    return np.asarray(cv2.warpPerspective(gray, matrix, (width, height), borderValue=40), np.uint8)


def cropped(gray: Gray, rng: np.random.Generator) -> Gray:
    """4 % of the page is lost at one side, with what is printed there."""
    height, width = gray.shape
    across, down = round(0.04 * width), round(0.04 * height)
    sides = (gray[:, across:], gray[:, :-across], gray[down:], gray[:-down])
    return np.ascontiguousarray(sides[int(rng.integers(4))])


def noisy(gray: Gray, rng: np.random.Generator) -> Gray:
    return np.asarray((gray + rng.normal(0, 12, gray.shape)).clip(0, 255), np.uint8)


WEARS: dict[str, Wear] = {
    "skewed and turned": skewed,
    "rescaled": rescaled,
    "JPEG 30": compressed,
    "shaded": shaded,
    "tilted": tilted,
    "cropped": cropped,
    "noisy": noisy,
}


if __name__ == "__main__":
    main()
