"""Reading a set of sheets as the reader would, with each page's time taken."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import cv2

from jobs.omr.answers import read_sheet
from jobs.omr.evaluating.comparing import SheetScore, compared
from jobs.omr.evaluating.truth import SheetTruth
from jobs.omr.form import Form
from jobs.omr.marks.measuring import patches_of
from jobs.omr.page import PageRefused, RefusedPage
from jobs.omr.pages.opening import open_pages
from jobs.omr.pages.template_pictures import template_pictures
from jobs.omr.reader.engines import Engines
from jobs.omr.registration.register import register
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.continuing import template_of_page
from pipeline.answer_sheets.importing.opened import OpenedTemplate
from pipeline.contracts.omr import OmrLimits, SheetReading
from pipeline.reasons import Reason


@dataclass(frozen=True)
class ReadSheet:
    """A sheet with its score; `registered` is None for one that was refused. `seconds` are those of one core."""

    score: SheetScore
    form: Form
    registered: Registered | None
    seconds: float


def read_set(
    folder: Path, opened: OpenedTemplate, truths: tuple[SheetTruth, ...], *, engines: Engines
) -> Iterator[ReadSheet]:
    """Sheets in the order of the truth, one at a time: what a set takes of memory is one page."""
    cv2.setNumThreads(1)
    pictures = template_pictures(opened)
    forms: dict[int, Form] = {}
    for truth in truths:
        if truth.page not in forms:
            forms[truth.page] = Form(template_of_page(opened.template, truth.page), pictures)
        form = forms[truth.page]
        started = perf_counter()
        registered, reading = _read(folder / truth.file, form, engines)
        yield ReadSheet(
            compared(reading.model_copy(update={"file": truth.file}), truth),
            form,
            registered,
            perf_counter() - started,
        )


def _read(path: Path, form: Form, engines: Engines) -> tuple[Registered | None, SheetReading]:
    page = next(open_pages(path, OmrLimits()))
    if isinstance(page, RefusedPage):
        return None, _refused(page.reason, page.detail)
    try:
        registered = register(page, form)
    except PageRefused as refused:
        return None, _refused(Reason(refused.reason), refused.detail)
    states, check = engines.judge(patches_of(registered, form))
    return registered, read_sheet(registered, form, states, file=path.name, page=1, check=check)


def _refused(reason: Reason, detail: str) -> SheetReading:
    return SheetReading(file="", page=1, state="refused", reason=reason, detail=detail)
