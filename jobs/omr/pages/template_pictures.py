"""The pictures beside a template, such as its blank form, decoded."""

from pathlib import Path

from jobs.omr.page import Gray, RefusedPage
from jobs.omr.pages.opening import open_pages
from pipeline.answer_sheets.importing.opened import OpenedTemplate
from pipeline.contracts.omr import OmrLimits
from pipeline.errors import Invalid


def template_pictures(opened: OpenedTemplate) -> dict[str, Gray]:
    """By the names that the template uses; raises `Invalid` for one that cannot be decoded."""
    return {name: _decoded(path) for name, path in opened.pictures.items()}


def _decoded(path: Path) -> Gray:
    page = next(open_pages(path, OmrLimits()))
    if isinstance(page, RefusedPage):
        raise Invalid("template_invalid", f"the picture {path.name} cannot be read: {page.reason} {page.detail}")
    return page.gray
