from typing import Any

import pytest

from pipeline.answer_sheets.checking import Weight, findings
from pipeline.answer_sheets.template import (
    Bubble,
    Corner,
    Fiducial,
    FiducialKind,
    Field,
    Frame,
    Output,
    OutputKind,
    Template,
)

SQUARES = tuple(
    Fiducial(kind=FiducialKind.SQUARE, corner=corner, at=at, length=10)
    for corner, at in zip(Corner, ((10, 10), (190, 10), (190, 290), (10, 290)), strict=True)
)


def question(name: str, *places: tuple[float, float]) -> Field:
    bubbles = tuple(Bubble(value="ABCDE"[number], x=x, y=y) for number, (x, y) in enumerate(places))
    return Field(name=name, half_width=5, half_height=4, bubbles=bubbles)


def template(*fields: Field, **changes: Any) -> Template:
    number = Field(
        name="n1",
        half_width=2,
        half_height=2,
        bubbles=(Bubble(value="0", x=100, y=200), Bubble(value="1", x=100, y=210)),
    )
    values: dict[str, Any] = {
        "name": "t",
        "frame": Frame(width=200, height=300),
        "fiducials": SQUARES,
        "fields": (number, *fields),
        "outputs": (Output(name="number", kind=OutputKind.IDENTIFIER, fields=("n1",), student=True),),
    }
    return Template(**values | changes)


def said(checked: Template) -> list[str]:
    return [f"{each.weight} {each.place}: {each.problem}" for each in findings(checked)]


def test_a_sound_template_has_no_findings():
    assert said(template(question("q1", (50, 50), (60, 50)), question("q2", (50, 58), (60, 58)))) == []


@pytest.mark.parametrize(
    ("field", "finding"),
    [
        (
            question("q1", (50, 50), (59, 50)),
            "error field 'q1', bubble 'B' at (59, 50): overlaps field 'q1', bubble 'A' at (50, 50)",
        ),
        (
            question("q1", (50, 50), (57, 55), (80, 50)),
            "error field 'q1', bubble 'B' at (57, 55): overlaps field 'q1', bubble 'A' at (50, 50)",
        ),
        (
            question("q1", (58, 58), (62, 62)),
            "error field 'q1', bubble 'B' at (62, 62): overlaps field 'q1', bubble 'A' at (58, 58)",
        ),
        (
            question("q1", (50, 50), (250, 50)),
            "error field 'q1', bubble 'B' at (250, 50): outside the frame of 200 x 300",
        ),
        (
            question("q1", (50, 50), (198, 50)),
            "remark field 'q1', bubble 'B' at (198, 50): cut by the edge of the frame of 200 x 300",
        ),
        (
            question("q1", (50, 50), (182, 15)),
            "error field 'q1', bubble 'B' at (182, 15): overlaps the mark square TR at (190, 10)",
        ),
        (question("q1", (50, 50)), "remark field 'q1': it has one bubble only"),
    ],
)
def test_a_bubble_in_the_wrong_place_is_named(field: Field, finding: str):
    assert said(template(field)) == [finding]


def test_missing_marks_are_an_error_and_marks_of_unknown_place_a_remark():
    field = question("q1", (50, 50), (80, 50))
    assert "there are none" in said(template(field, fiducials=()))[0]
    unplaced = tuple(mark.model_copy(update={"at": None}) for mark in SQUARES)
    assert said(template(field, fiducials=(*unplaced[:2], *SQUARES[2:]))) == [
        "remark fiducials: the place (at) of 2 of 4 marks is known; a page is found faster and more surely by 3 or more"
    ]
    assert said(template(field, fiducials=(Fiducial(kind=FiducialKind.PAGE_EDGE),))) == []
    away = SQUARES[0].model_copy(update={"at": (-500, 10)})
    assert said(template(field, fiducials=(away, *SQUARES[1:]))) == [
        "error fiducials, square TL at (-500, 10): far outside the frame of 200 x 300"
    ]


def test_a_form_that_asks_for_no_student_is_remarked_on_with_what_it_asks_for():
    field = question("q1", (50, 50), (80, 50))
    outputs = (Output(name="booklet", kind=OutputKind.IDENTIFIER, fields=("n1",)),)
    (found,) = findings(template(field, outputs=outputs))
    assert found.weight is Weight.REMARK
    assert found.problem == "none is the student's number, so sheets find no student; identifiers are booklet"


def test_errors_come_before_remarks():
    weights = [
        each.weight for each in findings(template(question("q0", (80, 80)), question("q1", (50, 50), (250, 50))))
    ]
    assert weights == [Weight.ERROR, Weight.REMARK]
