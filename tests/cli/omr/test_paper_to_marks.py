"""A teacher with nothing: print a sheet, have it filled, scan it, read it."""

import csv
import json
from pathlib import Path

import cv2
import pytest

from tests.cli.conftest import Run
from tests.cli.omr.filled_sheet import MARKS, NUMBER, scanned


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
