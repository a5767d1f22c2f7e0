"""OMRChecker's template.json, of its released version and of its development branch.

    {"pageDimensions": [w, h], "bubbleDimensions": [w, h], "customLabels": {name: [labels]},
     "fieldBlocks": {name: {"fieldType", "fieldLabels", "origin", "bubblesGap", "labelsGap", "direction",
                            "bubbleValues", "bubbleDimensions"}},
     "preProcessors": [{"name", "options"}]}

`origin` is the TOP LEFT corner of the first bubble's box, not its centre. The last preprocessor that finds the sheet
decides what the frame is, as it does there; blurs and levels have no counterpart here.
"""

from pathlib import Path, PurePath
from typing import NamedTuple

from pipeline.answer_sheets.importing.fiducials import frame_corner, track_at_frame_edge
from pipeline.answer_sheets.importing.grouping import as_columns, grouped, kind_of_values, with_student
from pipeline.answer_sheets.importing.labels import labels_at
from pipeline.answer_sheets.importing.naming import identifier_name, is_question, question_name
from pipeline.answer_sheets.importing.opened import OpenedTemplate, built, refuse_too_many
from pipeline.answer_sheets.importing.pictures import pictures_beside
from pipeline.answer_sheets.importing.places import Place
from pipeline.answer_sheets.template import (
    Corner,
    Fiducial,
    FiducialKind,
    Field,
    FieldBlock,
    Frame,
    Output,
    OutputKind,
    Side,
    Template,
)


class FieldType(NamedTuple):
    values: tuple[str, ...]
    vertical: bool


# As OMRChecker defines them (src/constants, field types).
FIELD_TYPES = {
    "QTYPE_INT": FieldType(tuple("0123456789"), vertical=True),
    "QTYPE_INT_FROM_1": FieldType(tuple("1234567890"), vertical=True),
    "QTYPE_MCQ2": FieldType(tuple("AB"), vertical=False),
    "QTYPE_MCQ3": FieldType(tuple("ABC"), vertical=False),
    "QTYPE_MCQ4": FieldType(tuple("ABCD"), vertical=False),
    "QTYPE_MCQ5": FieldType(tuple("ABCDE"), vertical=False),
    "QTYPE_MED": FieldType(tuple("EH"), vertical=True),
}


def open_omrchecker(document: Place, path: Path) -> OpenedTemplate:
    size = (document.find("pageDimensions") or document.find("templateDimensions")) or document.get("pageDimensions")
    width, height = size.pair()
    frame = built(size.path, Frame, width=width, height=height)
    bubble = document.get("bubbleDimensions").pair()
    blocks = [_block(name, place, bubble) for name, place in document.get("fieldBlocks").items()]
    refuse_too_many(path.name, sum(len(block.fields) * len(block.values) for block in blocks))
    fields = tuple(field for block in blocks for field in block.expanded())
    outputs = _outputs(document, fields)
    template = built(
        path.name,
        Template,
        name=path.parent.resolve().name or path.stem,
        frame=frame,
        fiducials=_fiducials(document, frame),
        fields=as_columns(fields, outputs),
        outputs=outputs,
    )
    return OpenedTemplate(template, pictures_beside(template, path))


def _block(name: str, place: Place, bubble: tuple[float, float]) -> FieldBlock:
    kind = _type_of(place)
    values = tuple(value.text() for value in given.each()) if (given := place.find("bubbleValues")) else kind.values
    own_size = place.find("bubbleDimensions")
    width, height = own_size.pair() if own_size else bubble
    direction = place.find("direction")
    vertical = direction.text() == "vertical" if direction else kind.vertical
    x, y = place.get("origin").pair()
    labels = place.get("fieldLabels")
    return built(
        place.path,
        FieldBlock,
        name=name,
        kind=kind_of_values(values),
        half_width=width / 2,
        half_height=height / 2,
        origin=(x + width / 2, y + height / 2),
        bubbles_run="down" if vertical else "right",
        bubble_step=place.get("bubblesGap").positive(),
        field_step=gap.number() if (gap := place.find("labelsGap")) else 0.0,
        fields=tuple(label for each in labels.each() for label in labels_at(each)),
        values=values,
    )


def _type_of(place: Place) -> FieldType:
    named = place.find("fieldType") or place.find("bubbleFieldType")
    if named is None or named.text() == "__CUSTOM__":
        if place.find("bubbleValues") is None:
            place.refuse("neither fieldType nor bubbleValues say what its bubbles mean")
        return FieldType((), vertical=False)
    if named.text() not in FIELD_TYPES:
        named.refuse(f"{named.text()!r} is none of {', '.join(FIELD_TYPES)}")
    return FIELD_TYPES[named.text()]


def _outputs(document: Place, fields: tuple[Field, ...]) -> tuple[Output, ...]:
    """`customLabels` first; what they do not name is grouped by its names."""
    labels = document.find("customLabels")
    custom = tuple(_custom(name, place) for name, place in labels.items()) if labels else ()
    used = {name for output in custom for name in output.fields}
    rest = [field for field in fields if field.name not in used]
    return with_student((*custom, *grouped(rest)))


def _custom(name: str, place: Place) -> Output:
    names = tuple(label for each in place.each() for label in labels_at(each))
    if is_question(name):
        return built(place.path, Output, name=question_name(name), fields=names)
    return built(place.path, Output, name=identifier_name(name), kind=OutputKind.IDENTIFIER, fields=names)


def _fiducials(document: Place, frame: Frame) -> tuple[Fiducial, ...]:
    listed = document.find("preProcessors")
    found = [fiducials for place in (listed.each() if listed else ()) if (fiducials := _preprocessor(place, frame))]
    if found:
        return found[-1]
    return Fiducial(kind=FiducialKind.FORM), Fiducial(kind=FiducialKind.WHOLE_IMAGE)


def _preprocessor(place: Place, frame: Frame) -> tuple[Fiducial, ...]:
    options = place.find("options") or Place({}, f"{place.path}.options")
    match place.get("name").text():
        case "CropOnMarkers":
            return _markers(options, frame)
        case "CropPage":
            return (Fiducial(kind=FiducialKind.PAGE_EDGE),)
        case "FeatureBasedAlignment":
            return (Fiducial(kind=FiducialKind.FORM, picture=PurePath(options.get("reference").text()).name),)
        case _:
            return ()


def _markers(options: Place, frame: Frame) -> tuple[Fiducial, ...]:
    """The centres of markers lie in the frame's corners, the outer edges of lines along its sides."""
    kind = options.find("type")
    if kind is not None and "LINE" in kind.text():
        return track_at_frame_edge(frame, Side.LEFT), track_at_frame_edge(frame, Side.RIGHT)
    marker = options.find("relativePath") or options.find("referenceImage")
    ratio = options.find("sheetToMarkerWidthRatio")
    return tuple(
        Fiducial(
            kind=FiducialKind.MARKER_IMAGE if marker else FiducialKind.SQUARE,
            corner=corner,
            at=frame_corner(frame, corner),
            picture=PurePath(marker.text()).name if marker else None,
            length=frame.width / ratio.positive() if ratio else None,
        )
        for corner in Corner
    )
