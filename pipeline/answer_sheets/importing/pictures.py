"""The pictures that a template names: files in its own folder, nowhere else."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.answer_sheets.importing.opened import refuse
from pipeline.answer_sheets.template import Template


def pictures_beside(template: Template, path: Path) -> Mapping[str, Path]:
    """The files by name; refuses a template whose picture is not there."""
    names = {fiducial.picture for fiducial in template.fiducials if fiducial.picture}
    found = {name: path.parent / name for name in sorted(names)}
    for name, picture in found.items():
        if not picture.is_file():
            refuse(f"{path.name}: fiducials", f"the picture {name!r} is not in the template's folder")
    return found
