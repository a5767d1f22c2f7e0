"""What is known to be right of a set of sheets: its ground_truth.json.

{"sheets": [{"file": "images/…", "answers": {"q1": ["A"]}, "identifiers": {"roll": "0123"},
             "ambiguous": {"q17": "why"}, "page": 2}]}
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import Invalid

LARGEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class SheetTruth:
    """Questions and identifiers by name. `ambiguous` are those of which people cannot tell what is right either.

    `page` is which page of a form that numbers its questions on over several pages.
    """

    file: str
    answers: dict[str, tuple[str, ...]]
    identifiers: dict[str, str] = field(default_factory=dict)
    ambiguous: frozenset[str] = frozenset()
    page: int = 1


class _Sheet(BaseModel):
    model_config = ConfigDict(extra="ignore")
    file: str
    answers: dict[str, tuple[str, ...]] = {}
    identifiers: dict[str, str] | None = None
    ambiguous: dict[str, Any] | None = None
    page: int | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore")
    sheets: tuple[_Sheet, ...]


def load_truth(folder: Path) -> tuple[SheetTruth, ...]:
    """Raises `Invalid` where there is no such file, or it says something else."""
    path = folder / "ground_truth.json"
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Invalid("truth_invalid", f"{path} has more than {LARGEST_BYTES} bytes")
        document = _Document.model_validate(json.loads(path.read_bytes()))
    except OSError as exc:
        raise Invalid("file_not_found", f"{path} cannot be read: {exc.strerror}") from exc
    except (ValueError, ValidationError) as exc:
        raise Invalid("truth_invalid", f"{path}: {exc}") from exc
    return tuple(
        SheetTruth(
            file=sheet.file,
            answers=sheet.answers,
            identifiers=sheet.identifiers or {},
            ambiguous=frozenset(sheet.ambiguous or {}),
            page=sheet.page or 1,
        )
        for sheet in document.sheets
    )
