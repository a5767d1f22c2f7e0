"""How fast one core reads answer sheets, from JPEG on disk to answers in JSON, and what memory a long batch takes.

usage: python -m benchmarks.omr_speed [auto|network|classical]

The sheets are drawn here: A4, 100 questions of five choices and a student number of eight digits, with four corner
squares. Overlays are not drawn. The start of the processes is taken off by reading a single sheet as well; it is in
the last column. CPU seconds say what a core takes that does nothing else, should this one have other work.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.process_cost import Cost, run_measured
from pipeline.contracts.omr import Engine
from tests.fixtures.sheets import as_jpeg, as_pdf, draw_page, plain_form, random_marks

DIFFERENT_SHEETS = 8
BATCH_PAGES = 200
MOST_MIB = 400

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Kind:
    """`aim` is in sheets a second and core."""

    name: str
    dpi: float
    sheets: int
    aim: float
    shown: Callable[[Pixels], Pixels]


def gray(page: Pixels) -> Pixels:
    return page


def colour(page: Pixels) -> Pixels:
    """Paper with a warm tint, as a phone or a colour scanner sees it."""
    tinted = cv2.cvtColor(page, cv2.COLOR_GRAY2BGR) * np.array([0.94, 0.98, 1.0])
    return np.asarray(tinted, dtype=np.uint8)


KINDS = (
    Kind("1240x1754 gray", 150, 160, 20, gray),
    Kind("2480x3508 gray", 300, 48, 6, gray),
    Kind("2480x3508 colour", 300, 48, 6, colour),
)


def main(arguments: Sequence[str]) -> int:
    engine = Engine(arguments[0]) if arguments else Engine.AUTO
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    print(f"engine {engine}, core {core}, load {os.getloadavg()[0]:.1f}\n")
    print("| sheets | wall s | CPU s | sheets/s | sheets/CPU s | aim | peak MiB | start s |")
    print("| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "form.json"
        template.write_text(plain_form().model_dump_json())
        for kind in KINDS:
            sheets = draw_sheets(kind, Path(folder))
            one = read(sheets[:1], template, engine)
            many = read([sheets[number % len(sheets)] for number in range(kind.sheets)], template, engine)
            print(row(kind, one, many), flush=True)
        sheets = draw_sheets(KINDS[0], Path(folder))
        pdf = Path(folder) / "batch.pdf"
        pdf.write_bytes(as_pdf([sheets[number % len(sheets)].read_bytes() for number in range(BATCH_PAGES)]))
        batch = read([pdf], template, engine)
        print(f"\n{BATCH_PAGES} pages in one PDF: {batch.wall_s:.1f} s, {batch.cpu_s:.1f} CPU s,", end=" ")
        print(f"{batch.peak_mib:.0f} MiB at most (aim {MOST_MIB})")
    return 0


def draw_sheets(kind: Kind, folder: Path) -> list[Path]:
    form = plain_form()
    paths = [folder / f"{kind.name} {number}.jpg" for number in range(DIFFERENT_SHEETS)]
    for number, path in enumerate(paths):
        path.write_bytes(as_jpeg(kind.shown(draw_page(form, random_marks(form, number), dpi=kind.dpi))))
    return paths


def read(files: Sequence[Path], template: Path, engine: Engine) -> Cost:
    options = ["--json", "--engine", engine.value, "--template", str(template)]
    command = [sys.executable, "-m", "jobs.omr.read", *options, *map(str, files)]
    return run_measured(command, environment=os.environ)


def row(kind: Kind, one: Cost, many: Cost) -> str:
    sheets = kind.sheets - 1
    wall_s, cpu_s = many.wall_s - one.wall_s, many.cpu_s - one.cpu_s
    return (
        f"| {kind.sheets} of {kind.name} | {many.wall_s:.1f} | {many.cpu_s:.1f} | {sheets / wall_s:.1f} "
        f"| {sheets / cpu_s:.1f} | {kind.aim:g} | {many.peak_mib:.0f} | {one.wall_s:.1f} |"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
