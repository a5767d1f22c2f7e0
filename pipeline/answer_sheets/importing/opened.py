"""What opening a template gives, and how one is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.answer_sheets.template import MAX_BUBBLES, Template
from pipeline.errors import Invalid

Model = TypeVar("Model", bound=BaseModel)

ERRORS_SHOWN = 5


@dataclass(frozen=True)
class OpenedTemplate:
    """`pictures` are files beside the template, by the names that its fiducials use."""

    template: Template
    pictures: Mapping[str, Path] = field(default_factory=dict)


def refuse(place: str, problem: str) -> NoReturn:
    """Raise `Invalid` with the place in the file: a JSON path or an XML line."""
    raise Invalid("template_invalid", f"{place}: {problem}")


def refuse_too_many(place: str, bubbles: int) -> None:
    """Before work is done for them: `Template` itself refuses more, but a short file can ask for millions."""
    if bubbles > MAX_BUBBLES:
        refuse(place, f"{bubbles} bubbles: a template has at most {MAX_BUBBLES}")


def built(place: str, make: Callable[..., Model], **values: Any) -> Model:
    """A value of the template's model; what the model refuses is refused with the place in the file."""
    try:
        return make(**values)
    except ValidationError as exc:
        refuse(place, told(exc))


def told(error: ValidationError) -> str:
    """What pydantic found, in one line: where, what, and the value."""
    found = error.errors(include_url=False, include_context=False)
    lines = [_line(each["loc"], each["msg"], each["input"]) for each in found[:ERRORS_SHOWN]]
    more = len(found) - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def _line(location: tuple[int | str, ...], message: str, value: object) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    if isinstance(value, dict | list):
        return f"{path}: {message}"
    text = repr(value)
    return f"{path}: {message}, not {text[:80]}"
