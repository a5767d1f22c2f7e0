"""A JSON value together with its place in the file, so that what is wrong can be pointed at."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from pipeline.answer_sheets.importing.opened import refuse

KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def parse_json(text: str, name: str) -> Any:
    """The document; refuses what is no JSON with its line and column, and NaN, and nesting without end."""

    def no_number(constant: str) -> NoReturn:
        refuse(name, f"{constant} is not a number")

    try:
        return json.loads(text, parse_constant=no_number)
    except json.JSONDecodeError as exc:
        refuse(f"{name}, line {exc.lineno}, column {exc.colno}", f"this is not JSON: {exc.msg}")
    except (RecursionError, ValueError) as exc:
        refuse(name, f"this is not JSON that can be read: {exc}")


@dataclass(frozen=True)
class Place:
    """`path` reads like `template.json: fields[3].bubbles[0].x`; that of the whole document is the file's name."""

    value: Any
    path: str
    outermost: bool = False

    def refuse(self, problem: str) -> NoReturn:
        refuse(self.path, problem)

    def find(self, key: str) -> "Place | None":
        """The value under a key of an object; None where it is missing or null."""
        value = self.mapping().get(key)
        return None if value is None else Place(value, self._inner(key))

    def get(self, key: str) -> "Place":
        return self.find(key) or refuse(self._inner(key), "this is missing")

    def items(self) -> Iterator[tuple[str, "Place"]]:
        return ((key, Place(value, self._inner(key))) for key, value in self.mapping().items())

    def each(self) -> Iterator["Place"]:
        if not isinstance(self.value, list):
            self.refuse(f"a list is expected, not {self._what()}")
        return (Place(value, f"{self.path}[{index}]") for index, value in enumerate(self.value))

    def mapping(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            self.refuse(f"an object is expected, not {self._what()}")
        return self.value

    def text(self) -> str:
        """A text; a number is one too, since values such as 0 to 9 are often written without quotes."""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int):
            self.refuse(f"a text is expected, not {self._what()}")
        return str(self.value)

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.refuse(f"a number is expected, not {self._what()}")
        if not math.isfinite(self.value):
            self.refuse("a number is expected, not one without end")
        return float(self.value)

    def positive(self) -> float:
        number = self.number()
        if number <= 0:
            self.refuse(f"a number above 0 is expected, not {number:g}")
        return number

    def pair(self) -> tuple[float, float]:
        parts = list(self.each())
        if len(parts) != 2:
            self.refuse(f"two numbers are expected, not {len(parts)}")
        return parts[0].number(), parts[1].number()

    def _inner(self, key: str) -> str:
        return f"{self.path}: {key}" if self.outermost else f"{self.path}.{key}"

    def _what(self) -> str:
        text = repr(self.value)[:60]
        return f"{KINDS[type(self.value)]} ({text})" if type(self.value) in KINDS else text
