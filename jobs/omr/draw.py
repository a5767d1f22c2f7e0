"""`python -m jobs.omr.draw TEMPLATE PNG [--over PAGE]`: a template as a picture.

Exit codes: 0 when it is drawn, 65 for a template or page that cannot be used.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from jobs.omr.drawing.template_picture import draw_on_page, draw_on_white
from jobs.omr.form_loading import load_form
from jobs.omr.page import Colour, PageRefused, RefusedPage
from jobs.omr.pages.opening import open_pages
from jobs.omr.registration.register import register
from pipeline.answer_sheets.importing.opening import open_template
from pipeline.contracts.omr import OmrLimits
from pipeline.errors import AcademyError, Invalid
from pipeline.execution.exit_codes import EXIT_DONE, EXIT_PERMANENT


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m jobs.omr.draw", description="Draw a template.")
    parser.add_argument("template", type=Path)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("--over", type=Path, metavar="PAGE", help="a scan; its first page is drawn over")
    options = parser.parse_args(arguments)
    try:
        _write(options.picture, _drawn(options.template, options.over))
    except AcademyError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_PERMANENT
    return EXIT_DONE


def _drawn(template: Path, over: Path | None) -> Colour:
    limits = OmrLimits()
    opened = open_template(template)
    form = load_form(opened.template, opened.pictures, limits)
    if over is None:
        return draw_on_white(form)
    page = next(open_pages(over, limits))
    if isinstance(page, RefusedPage):
        raise PageRefused(page.reason, f"{over.name}: {page.detail}")
    return draw_on_page(form, register(page, form))


def _write(path: Path, picture: Colour) -> None:
    done, encoded = cv2.imencode(".png", picture)
    assert done
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as exc:
        raise Invalid("file_not_writable", f"{path} cannot be written: {exc.strerror}") from exc


if __name__ == "__main__":
    sys.exit(main())
