"""The neutral template.json that describes a form whoever made it: a frame, loose marks, fields with every bubble.

    {"set": …, "frame": {"width", "height", "desc"}, "fiducials": [{"type", "role", "frame_xy", "size_px", "desc"}],
     "groups": [{"name", "fieldLabels"}], "notes": …,
     "fields": [{"name", "kind": "mcq|survey|digit|letter", "shape", "rx", "ry", "group",
                 "bubbles": [{"value", "x", "y"}]}]}

Bubbles are given by their centres. What the words of `desc` and `notes` say is read too: where the frame lies, which
picture is the blank form, and what a cross or a full box means.
"""

from pathlib import Path

from pipeline.answer_sheets.importing.fiducials import fiducials_of, frame_of
from pipeline.answer_sheets.importing.grouping import Group, as_columns, grouped, kind_of_values
from pipeline.answer_sheets.importing.labels import labels_at
from pipeline.answer_sheets.importing.opened import OpenedTemplate, built, refuse_too_many
from pipeline.answer_sheets.importing.pictures import pictures_beside
from pipeline.answer_sheets.importing.places import Place
from pipeline.answer_sheets.importing.wording import rules_of
from pipeline.answer_sheets.template import Bubble, Field, FieldKind, Shape, Template

CODE_KINDS = {"digit": FieldKind.DIGIT, "letter": FieldKind.LETTER}
SQUARE_SHAPES = ("square", "rect", "box")


def open_neutral(document: Place, path: Path) -> OpenedTemplate:
    frame, said = frame_of(document.get("frame"))
    fields = tuple(_field(place) for place in document.get("fields").each())
    refuse_too_many(path.name, sum(len(field.bubbles) for field in fields))
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
    bubbles = tuple(_bubble(bubble) for bubble in place.get("bubbles").each())
    kind, shape, group = place.find("kind"), place.find("shape"), place.find("group")
    said = CODE_KINDS.get(kind.text().lower()) if kind else None
    squared = shape is not None and any(word in shape.text().lower() for word in SQUARE_SHAPES)
    return built(
        place.path,
        Field,
        name=place.get("name").text(),
        # A question whose choices are 0 to 9 asks for a digit, whatever the form calls it.
        kind=said or kind_of_values(bubble.value for bubble in bubbles),
        shape=Shape.SQUARE if squared else Shape.CIRCLE,
        half_width=place.get("rx").positive(),
        half_height=place.get("ry").positive(),
        bubbles=bubbles,
        block=group.text() if group else None,
    )


def _bubble(place: Place) -> Bubble:
    return built(
        place.path, Bubble, value=place.get("value").text(), x=place.get("x").number(), y=place.get("y").number()
    )


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
