"""A template in our own format: the JSON form of `Template`."""

from pathlib import Path

from pipeline.answer_sheets.importing.opened import OpenedTemplate, built
from pipeline.answer_sheets.importing.pictures import pictures_beside
from pipeline.answer_sheets.importing.places import Place
from pipeline.answer_sheets.template import Template


def open_own(document: Place, path: Path) -> OpenedTemplate:
    template = built(path.name, Template, **document.mapping())
    return OpenedTemplate(template, pictures_beside(template, path))
