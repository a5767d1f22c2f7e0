"""A template and the files of its pictures as the form that pages are compared with."""

from collections.abc import Mapping
from pathlib import Path

from jobs.omr.form import Form
from jobs.omr.page import Gray, RefusedPage
from jobs.omr.pages.opening import open_pages
from pipeline.answer_sheets.template import Template
from pipeline.contracts.omr import OmrLimits
from pipeline.errors import PermanentError


def load_form(template: Template, pictures: Mapping[str, Path], limits: OmrLimits) -> Form:
    """Raises `PermanentError` for a picture that cannot be decoded, with its name."""
    return Form(template, {name: _picture(name, path, limits) for name, path in pictures.items()})


def _picture(name: str, path: Path, limits: OmrLimits) -> Gray:
    page = next(open_pages(path, limits))
    if isinstance(page, RefusedPage):
        raise PermanentError(page.reason, f"the template's picture {name!r}: {page.detail}")
    return page.gray
