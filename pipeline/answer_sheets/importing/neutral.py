"""The neutral template.json that describes a form whoever made it: a frame, loose marks, fields with every bubble.

    {"set": …, "frame": {"width", "height", "desc"}, "fiducials": [{"type", "role", "frame_xy", "size_px", "desc"}],
     "groups": [{"name", "fieldLabels"}], "notes": …,
     "fields": [{"name", "kind": "mcq|survey|digit|letter", "shape", "rx", "ry", "group",
                 "bubbles": [{"value", "x", "y"}]}]}

Bubbles are given by their centres. What the words of `desc` and `notes` say is read too: where the frame lies, which
picture is the blank form, and what a cross or a full box means.
"""

from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pipeline.answer_sheets.importing.fiducials import fiducials_of, frame_of
from pipeline.answer_sheets.importing.grouping import Group, as_columns, grouped
from pipeline.answer_sheets.importing.labels import labels_at
from pipeline.answer_sheets.importing.opened import OpenedTemplate, built
from pipeline.answer_sheets.importing.pictures import pictures_beside
from pipeline.answer_sheets.importing.places import Place
from pipeline.answer_sheets.importing.wording import rules_of
from pipeline.answer_sheets.template import Bubble, Field, FieldKind, Shape, Template

Word = TypeVar("Word", bound=StrEnum)

KINDS = {
    "mcq": FieldKind.CHOICE,
    "choice": FieldKind.CHOICE,
    "survey": FieldKind.CHOICE,
    "digit": FieldKind.DIGIT,
    "letter": FieldKind.LETTER,
}
SHAPES = {"circle": Shape.CIRCLE, "ellipse": Shape.CIRCLE, "square": Shape.SQUARE, "rectangle": Shape.SQUARE}


def open_neutral(document: Place, path: Path) -> OpenedTemplate:
    frame, said = frame_of(document.get("frame"))
    fields = tuple(_field(place) for place in document.get("fields").each())
    outputs = grouped(fields, _groups(document))
    marks = document.find("fiducials")
    notes = document.find("notes")
    named = document.find("set") or document.find("name")
    template = built(
        path.name,
        Template,
        name=named.text() if named else path.stem,
        frame=frame,
        fiducials=fiducials_of(marks or Place([], path.name), frame, said),
        fields=as_columns(fields, outputs),
        outputs=outputs,
        rules=rules_of(notes.text() if notes else ""),
    )
    return OpenedTemplate(template, pictures_beside(template, path))


def _field(place: Place) -> Field:
    kind = place.find("kind")
    shape = place.find("shape")
    return built(
        place.path,
        Field,
        name=place.get("name").text(),
        kind=_one_of(kind, KINDS) if kind else FieldKind.CHOICE,
        shape=_one_of(shape, SHAPES) if shape else Shape.CIRCLE,
        half_width=place.get("rx").positive(),
        half_height=place.get("ry").positive(),
        bubbles=tuple(_bubble(bubble) for bubble in place.get("bubbles").each()),
        block=group.text() if (group := place.find("group")) else None,
    )


def _bubble(place: Place) -> Bubble:
    return built(
        place.path, Bubble, value=place.get("value").text(), x=place.get("x").number(), y=place.get("y").number()
    )


def _one_of(place: Place, words: dict[str, Word]) -> Word:
    word = place.text().lower()
    if word not in words:
        place.refuse(f"{word!r} is none of {', '.join(words)}")
    return words[word]


def _groups(document: Place) -> tuple[Group, ...]:
    """The form's own groups; labels may be written as ranges."""
    listed = document.find("groups")
    found = []
    for place in listed.each() if listed else ():
        labels = place.find("fieldLabels") or place.find("fields")
        if labels is not None and isinstance(labels.value, list):
            names = tuple(name for label in labels.each() for name in labels_at(label))
            found.append(Group(name=place.get("name").text(), fields=names))
    return tuple(found)
