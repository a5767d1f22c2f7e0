"""Templates of ours as files."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from cli.text_files import write_text
from pipeline.answer_sheets.template import Template
from pipeline.errors import Invalid


def write_template(template: Template, path: Path, pictures: Mapping[str, Path] | None = None) -> None:
    """Write the template as JSON, what has its default left out, and its pictures beside it."""
    write_text(path, template.model_dump_json(indent=1, exclude_defaults=True) + "\n")
    for name, picture in (pictures or {}).items():
        target = path.parent / name
        if target.resolve() == picture.resolve():
            continue
        try:
            shutil.copyfile(picture, target)
        except OSError as exc:
            raise Invalid("file_not_writable", f"{target} cannot be written: {exc.strerror}") from exc
