"""Each format is told by its content, and every refusal names the place in the file."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.answer_sheets.importing.opening import LARGEST_BYTES, open_template
from pipeline.answer_sheets.template import Corner, FiducialKind, Side, Template
from pipeline.errors import Invalid
from tests.pipeline.answer_sheets.importing.made import FORMSCANNER, neutral, omrchecker, written


def opened(folder: Path, content: Any) -> Template:
    return open_template(written(folder, content, "template.any")).template


def refusal(folder: Path, content: Any) -> str:
    with pytest.raises(Invalid) as caught:
        opened(folder, content)
    assert caught.value.reason == "template_invalid"
    return caught.value.detail


def centres(template: Template, field: str) -> list[tuple[str, float, float]]:
    found = next(each for each in template.all_fields() if each.name == field)
    return [(bubble.value, bubble.x, bubble.y) for bubble in found.bubbles]


def test_a_form_means_the_same_in_the_neutral_format_in_omrcheckers_and_in_ours(tmp_path: Path):
    one = opened(tmp_path, neutral())
    other = opened(tmp_path, omrchecker())
    again = opened(tmp_path, one.model_dump(mode="json"))
    for field in ("q1", "q2", "roll1", "roll3"):
        assert centres(one, field) == centres(again, field)
    assert centres(one, "q2") == [(v, 100.0 + 30 * i, 460.0) for i, v in enumerate("ABCD")]
    assert centres(other, "q2") == [(v, 100.0 + 30 * i, 460.0) for i, v in enumerate("ABCD")]
    assert centres(other, "roll3")[9] == ("9", 490.0, 275.0)
    assert again == one


def test_a_template_that_names_no_version_gets_one_of_its_content(tmp_path: Path):
    first = opened(tmp_path, omrchecker())
    assert opened(tmp_path, omrchecker()).version == first.version
    assert opened(tmp_path, omrchecker(bubbleDimensions=[20, 17])).version != first.version
    own = first.model_dump(mode="json")
    assert opened(tmp_path, own | {"version": "1"}).version == "1"
    del own["version"]
    assert opened(tmp_path, own).version == first.version


def test_omrcheckers_origin_is_the_corner_of_the_first_box_and_not_its_centre(tmp_path: Path):
    field = opened(tmp_path, omrchecker()).all_fields()[0]
    assert (field.half_width, field.half_height) == (10, 8)
    assert (field.bubbles[0].x, field.bubbles[0].y) == (100, 430)


def test_what_omrchecker_crops_by_becomes_what_the_page_is_registered_by(tmp_path: Path):
    marker = {"name": "CropOnMarkers", "options": {"relativePath": "m.jpg", "sheetToMarkerWidthRatio": 20}}
    lines = {"name": "CropOnMarkers", "options": {"type": "TWO_LINES"}}
    page = {"name": "CropPage", "options": {}}
    form = {"name": "FeatureBasedAlignment", "options": {"reference": "blank.png"}}
    for picture in ("m.jpg", "blank.png"):
        (tmp_path / picture).write_bytes(b"picture")

    def kinds(*preprocessors: Any) -> list[str]:
        return [each.kind.value for each in opened(tmp_path, omrchecker(preProcessors=list(preprocessors))).fiducials]

    assert kinds(page) == ["page_edge"]
    assert kinds(page, marker) == ["marker_image"] * 4
    assert kinds(lines) == ["timing_track"] * 2
    assert kinds(form, {"name": "Levels"}) == ["form"]
    assert kinds() == ["form", "whole_image"]
    found = open_template(written(tmp_path, omrchecker(preProcessors=[marker])))
    assert found.pictures == {"m.jpg": tmp_path / "m.jpg"}
    assert found.template.fiducials[2].at == (800.0, 1000.0)
    assert found.template.fiducials[2].length == 40


def test_formscanners_corners_and_responses_are_read_in_the_order_of_the_paper(tmp_path: Path):
    template = opened(tmp_path, FORMSCANNER)
    assert {mark.corner: mark.at for mark in template.fiducials}[Corner.TOP_RIGHT] == (700, 51)
    assert {mark.kind for mark in template.fiducials} == {FiducialKind.BRACKET}
    assert centres(template, "gender") == [("F", 200, 201), ("M", 300, 200)]
    assert template.all_fields()[0].half_width == 15


def test_a_forms_words_place_its_marks(tmp_path: Path):
    rings = opened(tmp_path, neutral())
    assert [mark.at for mark in rings.fiducials] == [(0, 0), (800, 0), (800, 1000), (0, 1000)]

    outer = {"width": 800, "height": 1000, "desc": "between the OUTER corners of the corner marks"}
    squares = [{"type": "filled_square", "role": "BR", "frame_xy": [800, 1000], "size_px": 30}]
    assert opened(tmp_path, neutral(frame=outer, fiducials=squares)).fiducials[0].at == (785, 985)

    tracks = {"width": 800, "height": 1000, "desc": "outer corners of the timing tracks map to the frame corners"}
    sides = [{"type": "timing_track", "role": "left+right edges"}]
    found = opened(tmp_path, neutral(frame=tracks, fiducials=sides)).fiducials
    assert [(mark.side, mark.at, mark.length) for mark in found] == [
        (Side.LEFT, (0, 500), 1000),
        (Side.RIGHT, (800, 500), 1000),
    ]

    scan = {"width": 2480, "height": 3508, "desc": "pixel frame of the scan (A4 at 300 dpi)"}
    crosses = [{"type": "cross", "role": "all"}, {"type": "barcode"}, {"type": "corner_bracket", "desc": "unused"}]
    template = opened(tmp_path, neutral(frame=scan, fiducials=crosses))
    assert [mark.kind for mark in template.fiducials] == [FiducialKind.CROSS] * 4 + [FiducialKind.WHOLE_IMAGE]
    assert template.frame.mm_per_unit == pytest.approx(25.4 / 300)


def test_a_forms_own_words_for_marks_and_fields_need_not_be_ours(tmp_path: Path):
    words = {
        "L-mark": "l_mark",
        "corner bracket": "bracket",
        "plus sign": "cross",
        "timing_marks": "timing_track",
        "page corners": "page_edge",
        "star": "form",
    }
    for word, kind in words.items():
        assert opened(tmp_path, neutral(fiducials=[{"type": word}])).fiducials[0].kind.value == kind
    fields = neutral()["fields"]
    for field in fields:
        field |= {"kind": "bubble_row", "shape": "Rectangle"}
    template = opened(tmp_path, neutral(fields=fields))
    assert [field.kind.value for field in template.all_fields()] == ["choice", "choice", "digit", "digit", "digit"]
    assert {field.shape.value for field in template.all_fields()} == {"square"}
    assert template.outputs[0].fields == ("roll1", "roll2", "roll3")


def test_a_picture_that_a_template_names_must_lie_beside_it(tmp_path: Path):
    marks = [{"type": "concentric", "role": "all", "marker_image": "../elsewhere/m.jpg"}]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "m.jpg").write_bytes(b"picture")
    assert "'m.jpg' is not in the template's folder" in refusal(tmp_path, neutral(fiducials=marks))


NUMBERS = {"fieldType": "QTYPE_INT", "origin": [1, 1], "bubblesGap": 1, "labelsGap": 1, "fieldLabels": ["roll1..3"]}


def broken(**changes: Any) -> Any:
    document = neutral()
    for path, value in changes.items():
        *way, last = path.split("__")
        inner: Any = document
        for key in way:
            inner = inner[int(key) if key.isdigit() else key]
        inner[int(last) if last.isdigit() else last] = value
    return document


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1, column 2: this is not JSON"),
        ("[1]", "an object is expected, not a list"),
        ('{"a": NaN}', "NaN is not a number"),
        ("[" * 50_000, "this is not JSON that can be read"),
        ('{"a": 1}', "an object with a is no template; known formats are"),
        (broken(frame__height="tall"), "frame.height: a number is expected, not a text ('tall')"),
        (broken(frame__width=0), "frame.width: a number above 0 is expected, not 0"),
        (broken(frame__width=1e999), "Infinity is not a number"),
        (broken(fields__1__rx=True), "fields[1].rx: a number is expected, not true or false (True)"),
        (broken(fields__1__bubbles__2__x=None), "fields[1].bubbles[2].x: this is missing"),
        (broken(fields__1__bubbles__1__value="A"), "fields[1]: field 'q2' has the same value twice"),
        (broken(fields__1__name="q1"), "fields with the same name: ['q1']"),
        (broken(fields__0__bubbles=[]), "fields[0]: bubbles: "),
        (broken(fiducials__0__type=5.5), "fiducials[0].type: a text is expected, not 5.5"),
        (broken(fields=[]), "a template needs at least one field"),
        ({"name": "x", "frame": {"width": -5, "height": 5}}, "frame.width: Input should be greater than 0, not -5"),
        ({"name": "x", "frame": {"width": 5, "height": 5}, "colour": 1}, "colour: Extra inputs are not permitted"),
        (omrchecker(bubbleDimensions=[0, 5]), "fieldBlocks.Answers: half_width: Input should be greater than 0"),
        (omrchecker(pageDimensions=[5]), "pageDimensions: two numbers are expected, not 1"),
        (omrchecker(fieldBlocks={"A": {"fieldType": "QTYPE_X"}}), "fieldBlocks.A.fieldType: 'QTYPE_X' is none of"),
        (omrchecker(fieldBlocks={"A": {}}), "fieldBlocks.A: neither fieldType nor bubbleValues"),
        (omrchecker(customLabels={"a": ["q9..2"]}), "customLabels.a[0]: 'q9..2' is no range"),
        (omrchecker(customLabels={"a": ["q7"]}), "outputs name fields that do not exist: ['q7']"),
        (FORMSCANNER.replace('x="300.0"', 'x="wide"'), "line 13, <point>: x='wide' is not a number"),
        (FORMSCANNER.replace(' response="M"', ""), "line 13, <value>: the attribute 'response' is missing"),
        (FORMSCANNER.replace("TOP_LEFT", "MIDDLE"), "line 5, <corner>: position='MIDDLE' is none of"),
        (FORMSCANNER.replace("</group>", ""), "this is not XML: mismatched tag"),
        ("<!DOCTYPE t [<!ENTITY a 'b'>]><template/>", "line 1: document types and entities are not allowed"),
        ("<a>" * 60 + "</a>" * 60, "elements deep"),
        ("<svg/>", "this is no template of FormScanner"),
        (broken(fields__0__bubbles__0__x=1e6), "fields[0].bubbles[0]: x: Input should be less than or equal to 100000"),
        (broken(fiducials__0__frame_xy=[1e9, 0]), "at[0]: Input should be less than or equal to 100000"),
        (
            omrchecker(fieldBlocks={"A": NUMBERS | {"bubblesGap": 99_999}}),
            "Input should be less than or equal to 100000",
        ),
        (omrchecker(fieldBlocks={"A": NUMBERS | {"bubbleValues": ["1", "1"]}}), "has the same value twice"),
        ("<template><fields/></template>", "<fields>: it has no <question>"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_its_value(tmp_path: Path, content: Any, said: str):
    assert said in refusal(tmp_path, content)


def test_a_file_that_is_no_text_or_too_large_or_not_there_is_refused(tmp_path: Path):
    (tmp_path / "scan.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(Invalid, match=r"scan\.jpg: this is neither JSON nor XML: byte 0"):
        open_template(tmp_path / "scan.jpg")
    (tmp_path / "large").write_bytes(b" " * (LARGEST_BYTES + 1))
    with pytest.raises(Invalid, match="are more than a template has"):
        open_template(tmp_path / "large")
    with pytest.raises(Invalid, match=r"file_not_found: .*nothing cannot be read"):
        open_template(tmp_path / "nothing")


def test_a_short_file_cannot_ask_for_millions_of_bubbles(tmp_path: Path):
    blocks = {f"b{number}": NUMBERS | {"fieldLabels": [f"r{number}_1..1000"]} for number in range(300)}
    assert "3000000 bubbles: a template has at most" in refusal(
        tmp_path, omrchecker(fieldBlocks=blocks, customLabels={})
    )
    own = json.loads(opened(tmp_path, neutral()).model_dump_json())
    own["blocks"] = [
        {
            "name": "b",
            "half_width": 1,
            "half_height": 1,
            "origin": [1, 1],
            "bubble_step": 1,
            "field_step": 1,
            "fields": [f"f{number}" for number in range(1000)],
            "values": [str(number) for number in range(200)],
        }
    ]
    assert "bubbles, not 200038" in refusal(tmp_path, own)
