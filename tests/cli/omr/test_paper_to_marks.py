"""A teacher with nothing: print a sheet, have it filled, scan it, read it."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests.cli.conftest import Run
from tests.cli.omr.filled_sheet import MARKS, NUMBER, scanned

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(110)
def test_a_sheet_that_was_printed_filled_and_scanned_upside_down_is_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert run("omr", "sheet", "--questions", "20").code == 0
    Path("scans").mkdir()
    cv2.imwrite("scans/one.png", scanned(Path("sheet.pdf"), Path("sheet.json")))
    ended = run("omr", "read", "scans", "--template", "sheet.json", "--json", "--csv", "marks.csv")
    assert ended.code == 0
    (reading,) = json.loads(ended.out)
    assert reading["identifier"]["value"] == NUMBER
    answers = {answer["question_id"]: "".join(answer["detected"]) for answer in reading["answers"]}
    assert answers == {f"q{number}": MARKS.get(f"q{number}", "") for number in range(1, 21)}
    with Path("marks.csv").open(encoding="utf-8-sig") as rows:
        (row,) = csv.DictReader(rows)
    assert (row["student"], row["q1"], row["q4"]) == (NUMBER, "A", "B;D")


@pytest.mark.timeout(110)
def test_sheets_of_known_truth_are_evaluated_and_shown_in_a_gallery(tmp_path: Path):
    def academy(*arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "cli.main", "omr", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    academy("sheet", "--questions", "20", "--output", "set/template.pdf")
    (tmp_path / "set/images").mkdir()
    cv2.imwrite(
        str(tmp_path / "set/images/one.png"), scanned(tmp_path / "set/template.pdf", tmp_path / "set/template.json")
    )
    answers = {f"q{number}": list(MARKS.get(f"q{number}", "")) for number in range(1, 21)}
    sheet = {"file": "images/one.png", "answers": answers, "identifiers": {"student_number": NUMBER}}
    (tmp_path / "set/ground_truth.json").write_text(json.dumps({"set": "made", "sheets": [sheet]}))
    figures = json.loads(academy("evaluate", "set", "--json", "--engine", "classical", "--errors", "errors"))
    assert (figures["questions"], figures["questions_right"], figures["identifiers_right"]) == (20, 20, 1)
    academy("gallery", "set/images", "--template", "set/template.json", "--engine", "classical", "--output", "seen")
    assert list((tmp_path / "seen").glob("*.png"))
