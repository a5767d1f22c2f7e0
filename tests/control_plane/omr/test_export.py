"""The export: what counts, in a form that a spreadsheet shows and does not run."""

import csv
import io

import pytest

from control_plane.omr import export
from tests.control_plane.omr.sheets import Desk, reading, refused


def table(desk: Desk, batch_id: str) -> list[dict[str, str]]:
    reply = desk.call("GET", f"/batches/{batch_id}/export.csv")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.content.startswith(b"\xef\xbb\xbf"), "Excel shows Korean"
    return list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))


def test_a_line_for_every_sheet_and_a_column_for_every_question(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(export, "AT_ONCE", 2)
    batch_id, _ = desk.read(reading("반 3.jpg", marks="1-5"), refused("b.jpg"), reading("c.jpg"))
    corrected = desk.sheets(batch_id)[2]
    call = {"version": 1, "answers": {"q1": ["4", "2"]}}
    assert desk.call("POST", f"/sheets/{corrected['id']}/answers", json=call).status_code == 200
    first, second, third = table(desk, batch_id)
    assert (first["file"], first["page"], first["identifier"], first["to_review"]) == ("반 3.jpg", "1", "42", "yes")
    assert [first[name] for name in ("q1", "q2", "q3")] == ["1", "", "5"]
    assert (second["status"], second["error_reason"], second["q1"]) == ("FAILED", "TRUNCATED", "")
    assert (third["q1"], third["reviewed_by"]) == ("2;4", "kim")


def test_a_cell_that_a_spreadsheet_would_run_is_quoted(desk: Desk):
    names = ["=cmd|'/c calc'!A1.jpg", "+1.jpg", "-1.jpg", "@SUM(A1).jpg"]
    batch_id, (worker,) = desk.uploaded(*names)
    worker.deliver(1, *(reading(name, overlay=None, identifier="=1+1") for name in names))
    rows = table(desk, batch_id)
    assert [row["file"] for row in rows] == [f"'{name}" for name in names]
    assert {row["identifier"] for row in rows} == {"'=1+1"}


def test_the_json_export_tells_the_same(desk: Desk):
    batch_id, _ = desk.read(reading("a.jpg", marks="1-5"), refused("b.jpg"))
    exported = desk.get(f"/batches/{batch_id}/export.json")
    assert (exported["batch"]["id"], exported["questions"]) == (batch_id, ["q1", "q2", "q3"])
    read, unread = exported["sheets"]
    assert (read["answers"], read["to_review"]) == ({"q1": ["1"], "q2": [], "q3": ["5"]}, True)
    assert (unread["answers"], unread["error_reason"]) == ({}, "TRUNCATED")
