"""Paper and templates from the command line, with no server."""

import json
from pathlib import Path

import pypdfium2
import pytest

from pipeline.answer_sheets.importing.opening import open_template
from tests.cli.conftest import Run

FORMSCANNER = """<template><corners type="ANGULAR"/><fields size="10"><question question="q1" type="QUESTIONS_BY_ROWS">
<values><value response="A"><point x="20" y="20"/></value><value response="B"><point x="60" y="20"/></value></values>
</question></fields></template>"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_with_nothing_at_all_there_is_a_sheet_and_the_template_that_reads_it(run: Run):
    ended = run("omr", "sheet")
    assert (ended.code, ended.out.split()) == (0, ["sheet.pdf", "sheet.json"])
    assert "academy omr read SCANS --template sheet.json" in ended.err
    assert len(pypdfium2.PdfDocument("sheet.pdf")) == 1
    template = open_template(Path("sheet.json")).template
    assert len(template.all_outputs()) == 21
    assert run("omr", "template", "check", "sheet.json").code == 0


def test_a_sheet_is_what_was_asked_for(run: Run):
    ended = run(
        *("omr", "sheet", "--questions", "45", "--choices", "4", "--student-digits", "6", "--language", "ko"),
        *("--title", "3월", "--copies", "3", "--output", "out/math.pdf"),
    )
    assert ended.code == 0
    template = open_template(Path("out/math.json")).template
    assert template.name == "math"
    assert [len(output.fields) for output in template.all_outputs()][:2] == [6, 1]
    assert [bubble.value for bubble in template.all_fields()[-1].bubbles] == ["1", "2", "3", "4"]
    document = pypdfium2.PdfDocument("out/math.pdf")
    assert len(document) == 3
    assert "3월" in document[2].get_textpage().get_text_range()


def test_a_template_that_was_made_before_is_printed_without_being_changed(run: Run):
    assert run("omr", "template", "new", "--questions", "30", "--output", "form.json").code == 0
    before = Path("form.json").read_bytes()
    assert run("omr", "sheet", "--template", "form.json", "--output", "form.pdf").code == 0
    assert Path("form.json").read_bytes() == before


def test_too_many_questions_are_refused_with_their_number(run: Run):
    ended = run("omr", "sheet", "--questions", "200")
    assert ended.code == 2
    assert "200 questions of 5 choices do not fit on an A4 page" in ended.err
    assert not Path("sheet.pdf").exists()


def test_another_programs_template_becomes_one_of_ours_with_its_pictures(run: Run, tmp_path: Path):
    source = tmp_path / "theirs"
    source.mkdir()
    (source / "marker.jpg").write_bytes(b"picture")
    (source / "template.json").write_text(
        json.dumps(
            {
                "pageDimensions": [100, 200],
                "bubbleDimensions": [10, 10],
                "fieldBlocks": {
                    "Q": {
                        "fieldType": "QTYPE_MCQ4",
                        "origin": [10, 10],
                        "fieldLabels": ["q1..3"],
                        "bubblesGap": 15,
                        "labelsGap": 15,
                    }
                },
                "preProcessors": [{"name": "CropOnMarkers", "options": {"relativePath": "marker.jpg"}}],
            }
        )
    )
    assert run("omr", "template", "new", "--from", "theirs/template.json", "--output", "ours/form.json").code == 0
    assert open_template(Path("ours/form.json")).template == open_template(source / "template.json").template
    assert Path("ours/marker.jpg").read_bytes() == b"picture"
    again = run("omr", "template", "new", "--from", "ours/form.json", "--output", "ours/form.json")
    assert (again.code, "give --output another name" in again.err) == (2, True)


def test_a_check_names_what_is_wrong_and_where_and_exits_1(run: Run):
    run("omr", "template", "new", "--output", "form.json")
    form = json.loads(Path("form.json").read_text())
    form["blocks"][1]["origin"] = [300, 100]
    Path("form.json").write_text(json.dumps(form))
    ended = run("omr", "template", "check", "form.json")
    assert ended.code == 1
    assert "error  field 'q1', bubble 'A' at (300, 100): outside the frame of 210 x 297" in ended.out
    found = json.loads(run("omr", "template", "check", "form.json", "--json").out)
    assert {each["weight"] for each in found} == {"error"}


def test_a_check_of_a_sound_template_tells_what_is_in_it(run: Run):
    Path("form.xtmpl").write_text(FORMSCANNER)
    ended = run("omr", "template", "check", "form.xtmpl")
    assert ended.code == 0
    assert "Bubbles    2" in ended.out
    assert "remark  outputs: none is the student's number" in ended.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "form.json, line 1, column 2: this is not JSON"),
        ('{"name": "x", "frame": {"width": 1}}', "frame.height: Field required"),
        (None, "form.json cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("command", [("template", "check", "form.json"), ("read", ".", "--template", "form.json")])
def test_a_template_that_cannot_be_opened_is_wrong_usage(
    run: Run, command: tuple[str, ...], content: str | None, said: str
):
    Path("scan.png").write_bytes(b"")
    if content is not None:
        Path("form.json").write_text(content)
    ended = run("omr", *command)
    assert ended.code == 2
    assert said in ended.err


def test_a_folder_without_scans_and_a_file_that_is_not_there_are_named(run: Run):
    run("omr", "template", "new", "--output", "forms/form.json")
    assert "the folder forms holds no .pdf" in run("omr", "read", "forms", "--template", "forms/form.json").err
    missing = run("omr", "read", "scan.pdf", "--template", "forms/form.json")
    assert (missing.code, "scan.pdf is neither a file nor a folder" in missing.err) == (2, True)
