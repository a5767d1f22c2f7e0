"""XML of strangers as a small tree with line numbers: no document types, so no entities, and no depth without end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from pipeline.answer_sheets.importing.opened import refuse

DEEPEST = 50
MOST_ELEMENTS = 100_000


@dataclass
class Element:
    name: str
    attributes: Mapping[str, str]
    place: str
    children: list["Element"] = field(default_factory=list)

    def refuse(self, problem: str) -> NoReturn:
        refuse(f"{self.place}, <{self.name}>", problem)

    def find(self, name: str) -> "Element | None":
        return next((child for child in self.children if child.name == name), None)

    def get(self, name: str) -> "Element":
        return self.find(name) or self.refuse(f"<{name}> is missing in it")

    def each(self, name: str) -> Iterator["Element"]:
        return (child for child in self.children if child.name == name)

    def text(self, attribute: str) -> str:
        if attribute not in self.attributes:
            self.refuse(f"the attribute {attribute!r} is missing")
        return self.attributes[attribute]

    def number(self, attribute: str) -> float:
        text = self.text(attribute)
        try:
            number = float(text)
        except ValueError:
            self.refuse(f"{attribute}={text[:60]!r} is not a number")
        if not abs(number) < float("inf"):
            self.refuse(f"{attribute}={text!r} is not a number")
        return number


def parse_xml(content: bytes, name: str) -> Element:
    """The root element; refuses what is no XML, or more than a template needs, with its line."""
    parser = expat.ParserCreate()
    root = Element("", {}, name)
    open_elements = [root]
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        line = f"{name}, line {parser.CurrentLineNumber}"
        if len(open_elements) > DEEPEST or count > MOST_ELEMENTS:
            refuse(line, f"more than {DEEPEST} elements deep, or {MOST_ELEMENTS} in all, are no template")
        element = Element(tag, attributes, line)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_tag: str) -> None:
        open_elements.pop()

    def document_type(*_: object) -> NoReturn:
        refuse(f"{name}, line {parser.CurrentLineNumber}", "document types and entities are not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = document_type
    try:
        parser.Parse(content, True)
    except expat.ExpatError as exc:
        refuse(f"{name}, line {exc.lineno}, column {exc.offset + 1}", f"this is not XML: {expat.ErrorString(exc.code)}")
    return root.children[0]
