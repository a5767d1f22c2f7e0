"""`python -m jobs.omr.gallery FILES --template T --output FOLDER`: every bubble of a batch, sorted by how full it is.

Writes contact sheets NNN.png; pages that are refused are named on stderr and left out. Exit codes: 0 when any page was
read, 1 when none could be, 65 for a template that cannot be used.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from jobs.omr.contact_sheets import Thumbnails, draw_contact_sheets, sorted_by_fill, thumbnails
from jobs.omr.form import Form
from jobs.omr.marks.meaning import meanings_of
from jobs.omr.marks.measuring import patches_of
from jobs.omr.marks.patches import PatchBatch
from jobs.omr.page import Page, PageRefused, RefusedPage
from jobs.omr.pages.opening import open_pages
from jobs.omr.pages.template_pictures import template_pictures
from jobs.omr.reader.engines import Engines, open_engines
from jobs.omr.registration.register import register
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.contracts.omr import Engine, OmrLimits
from pipeline.errors import AcademyError, Invalid
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_PERMANENT
from pipeline.execution.job_failure import exit_code_of, failure_of

EXIT_NOTHING_READ = 1


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        opened = open_template(options.template)
        form = Form(opened.template, template_pictures(opened))
        engines = open_engines(options.engine)
        sheets = [found for path in options.files for found in _thumbnails_of(path, form, engines)]
    except Invalid as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        return EXIT_PERMANENT
    except AcademyError as error:
        sys.stderr.write(f"failed: {error}\n")
        return exit_code_of(failure_of(error))
    if not sheets:
        return EXIT_NOTHING_READ
    options.output.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(draw_contact_sheets(sorted_by_fill(sheets)), 1):
        done, encoded = cv2.imencode(".png", page)
        if not done:
            raise RuntimeError(f"a picture of {page.shape} could not be encoded")
        path = options.output / f"{number:03}.png"
        path.write_bytes(encoded.tobytes())
        sys.stdout.write(f"{path}\n")
    return EXIT_DONE


def _thumbnails_of(path: Path, form: Form, engines: Engines) -> Iterator[Thumbnails]:
    for page in open_pages(path, OmrLimits()):
        try:
            patches = _patches(page, form)
        except PageRefused as refused:
            sys.stderr.write(f"{path} page {page.number}: refused, {refused}\n")
            continue
        states, _ = engines.judge(patches)
        yield thumbnails(patches, meanings_of(states, form).sides)


def _patches(page: Page | RefusedPage, form: Form) -> PatchBatch:
    if isinstance(page, RefusedPage):
        raise PageRefused(page.reason, page.detail)
    return patches_of(register(page, form), form)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.omr.gallery", description="All bubbles sorted by fill.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILES", help="PDF, TIFF, PNG, JPEG, WebP, ZIP")
    parser.add_argument("--template", type=Path, required=True, metavar="FILE", help="ours, or another reader's")
    parser.add_argument("--output", type=Path, default=Path("gallery"), metavar="FOLDER", help="where pictures go")
    parser.add_argument("--engine", type=Engine, choices=list(Engine), default=Engine.AUTO, help="what judges bubbles")
    return parser


if __name__ == "__main__":
    sys.exit(main())
