"""`python -m jobs.omr.evaluate` and `python -m jobs.omr.gallery` on a set that is drawn in the test."""

import json
from pathlib import Path

import cv2
import pytest

from jobs.omr import evaluate, gallery
from pipeline.answer_sheets.template import Fiducial, FiducialKind
from tests.jobs.omr.marks.drawn import Style, answers_drawn, form_of, mark, printed

STYLE = Style()


@pytest.fixture
def drawn_set(tmp_path: Path) -> Path:
    """Two sheets; what the truth says of the second one's q2 is not what is marked there."""
    form = form_of(STYLE)
    template = form.template.model_copy(update={"fiducials": (Fiducial(kind=FiducialKind.WHOLE_IMAGE),)})
    (tmp_path / "template.json").write_text(template.model_dump_json())
    (tmp_path / "images").mkdir()
    sheets = []
    for number in (1, 2):
        answers = {f"q{question}": ("ABCDE"[(question + number) % 5],) for question in range(1, 21)}
        page = printed(form, STYLE)
        answers_drawn(page, form, answers, seed=number)
        for place in range(6):
            mark(page, form, "fill", at=(f"n{place}", str(place + number)))
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), page)
        told = {name: list(values) for name, values in answers.items()} | (
            {"q2": ["A"], "q9": []} if number == 2 else {}
        )
        sheets.append({"file": f"images/{number}.png", "answers": told, "identifiers": {"student": "123456"}})
    (tmp_path / "ground_truth.json").write_text(json.dumps({"sheets": sheets}))
    return tmp_path


def test_evaluate_counts_what_is_right_and_draws_what_is_not(
    drawn_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = tmp_path / "errors"
    assert evaluate.main([str(drawn_set), "--engine", "classical", "--json", "--errors", str(errors)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sheets"], found["refused"], found["questions"], found["questions_right"]) == (2, 0, 40, 38)
    assert (found["blank_rows"], found["blank_rows_read_as_marked"], found["unflagged_errors"]) == (1, 1, 2)
    assert (found["identifiers_right"], found["identifiers_wrong"]) == (1, 1)
    assert len(list(errors.glob("*-wrong-2-*.png"))) == 3
    assert all(cv2.imread(str(path)) is not None for path in errors.iterdir())


def test_evaluate_says_in_words_which_answers_are_wrong(drawn_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(drawn_set), "--engine", "classical"]) == 0
    said = capsys.readouterr().out
    assert "images/1.png" not in said.split("student")[0]
    assert "images/2.png: q2 is A, read E at" in said
    assert "38 of 40 (95 %)" in said


def test_a_folder_without_a_template_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(tmp_path), "--engine", "classical"]) == 65
    assert "template.json" in capsys.readouterr().err


def test_the_gallery_shows_every_bubble_and_names_pages_it_cannot_read(
    drawn_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.png").write_bytes((drawn_set / "images" / "1.png").read_bytes()[:900])
    files = [str(drawn_set / "images" / "1.png"), str(tmp_path / "cut.png")]
    arguments = [
        "--template",
        str(drawn_set / "template.json"),
        "--engine",
        "classical",
        "--output",
        str(tmp_path / "out"),
    ]
    assert gallery.main([*files, *arguments]) == 0
    told = capsys.readouterr()
    assert "cut.png page 1: refused" in told.err
    assert [Path(line).name for line in told.out.splitlines()] == ["001.png"]
    page = cv2.imread(str(tmp_path / "out" / "001.png"))
    assert page is not None
    assert page.shape == (3 * 30, 60 * 30, 3)
    assert gallery.main([str(tmp_path / "cut.png"), *arguments]) == gallery.EXIT_NOTHING_READ
