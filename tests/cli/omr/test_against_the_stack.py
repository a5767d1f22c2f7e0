"""The commands against a real stack: both sides mean the same fields and codes."""

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from cli.omr.rows import Answer, Batch, Sheet
from tests.cli.conftest import Run
from tests.cli.omr.filled_sheet import MARKS, NUMBER, scanned
from tests.fixtures.running_stack import RunningStack


@pytest.fixture(autouse=True)
def _stack(running_stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_URL", raising=False)
    monkeypatch.delenv("API_TOKEN", raising=False)
    monkeypatch.setenv("ACADEMY_DATA", str(running_stack.data))
    monkeypatch.chdir(tmp_path)


def answer(run: Run, *arguments: str) -> Any:
    ended = run("omr", *arguments, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_a_scan_is_uploaded_read_reviewed_corrected_and_exported(run: Run):
    assert run("omr", "sheet", "--questions", "20").code == 0
    Path("scans").mkdir()
    cv2.imwrite("scans/one.png", scanned(Path("sheet.pdf"), Path("sheet.json")))
    Path("scans/two.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")

    batch = answer(run, "upload", "scans", "--template", "sheet.json", "--exam", "Algebra", "--engine", "classical")
    assert batch.keys() >= Batch.__required_keys__
    assert (batch["status"], batch["counts"]) == ("READY", {"done": 2, "ok": 0, "to_review": 1, "refused": 1})
    assert [row["id"] for row in answer(run, "batches", "list", "--exam", "Algebra")] == [batch["id"]]
    assert "0 ok, 1 to review, 1 refused" in run("omr", "batches", "show", batch["id"][:8]).out

    good, cut = answer(run, "sheets", "list", batch["id"])
    assert good.keys() >= Sheet.__required_keys__
    assert (good["identifier"], cut["error_reason"]) == (NUMBER, "TRUNCATED")
    listed = answer(run, "review", "--batch", batch["id"][:8])
    assert good["id"] in [sheet["id"] for sheet in listed]
    shown = answer(run, "sheets", "show", good["id"], "--overlay", "seen.png")
    assert cv2.imread("seen.png") is not None
    assert all(each.keys() >= Answer.__required_keys__ for each in shown["answers"])
    assert {each["question_id"]: "".join(each["values"]) for each in shown["answers"]} == {
        f"q{number}": MARKS.get(f"q{number}", "") for number in range(1, 21)
    }

    corrected = answer(run, "correct", good["id"][:8], "q3=D", "q4=B", "--student", "87654321")
    assert (corrected["identifier"], corrected["review"]["required"]) == ("87654321", False)
    assert answer(run, "confirm", cut["id"])[0]["review"]["required"] is False
    assert run("omr", "review", "--batch", batch["id"]).err.strip() == "Nothing to review."
    assert run("omr", "correct", good["id"], "q99=A").code == 2

    assert run("omr", "export", batch["id"], "--csv", "marks.csv").code == 0
    assert "87654321" in Path("marks.csv").read_text(encoding="utf-8-sig")
    assert answer(run, "export", batch["id"])["questions"] == [f"q{number}" for number in range(1, 21)]


def test_another_tenant_sees_no_batch(run: Run):
    assert answer(run, "batches", "list", "--tenant", "other") == []
