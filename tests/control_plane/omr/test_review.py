"""The review list, and a person's word: kept beside the machine's, and never overwritten by another's."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from tests.control_plane.omr.sheets import OVERLAY, Desk, reading, refused


def correct(desk: Desk, sheet_id: str, version: int = 1, **fields: Any) -> httpx.Response:
    return desk.call("POST", f"/sheets/{sheet_id}/answers", json={"version": version, **fields})


def confirm(desk: Desk, sheet_id: str, version: int = 1) -> httpx.Response:
    return desk.call("POST", f"/sheets/{sheet_id}/confirm", json={"version": version})


def doubtful(desk: Desk) -> str:
    batch_id, _ = desk.read(reading("a.jpg", marks="1-5"))
    return str(desk.sheets(batch_id)[0]["id"])


def test_a_correction_stands_beside_the_machines_reading_with_who_and_when(desk: Desk):
    sheet_id = doubtful(desk)
    reply = correct(desk, sheet_id, answers={"q2": ["4", "3"]}, identifier="43", note="faint")
    assert reply.status_code == 200, reply.text
    sheet = reply.json()
    assert sheet == desk.sheet(sheet_id)
    second = sheet["answers"][1]
    assert (second["values"], second["source"], second["detected"]) == (["3", "4"], "person", [])
    assert [answer["source"] for answer in sheet["answers"]] == ["machine", "person", "machine"]
    assert (sheet["identifier"], sheet["identifier_source"]) == ("43", "person")
    assert sheet["reading"]["identifier"]["value"] == "42"
    assert sheet["review"]["required"] is False
    assert sheet["review"]["reviewed_by"] == "kim"
    assert sheet["review"]["reasons"], "why the machine had asked stays"
    (edit,) = sheet["edits"]
    assert edit.pop("edited_at") == sheet["review"]["reviewed_at"]
    assert edit == {
        "version": 2,
        "action": "answers",
        "answers": {"q2": ["3", "4"]},
        "identifier": "43",
        "note": "faint",
        "edited_by": "kim",
    }
    of_nobody = correct(desk, sheet_id, version=2, identifier="").json()
    assert (of_nobody["identifier"], of_nobody["identifier_source"]) == (None, "person")
    assert [edit["identifier"] for edit in of_nobody["edits"]] == ["43", ""]


def test_a_confirmation_settles_the_review_and_changes_no_answer(desk: Desk):
    sheet_id = doubtful(desk)
    before = desk.sheet(sheet_id)
    after = confirm(desk, sheet_id).json()
    assert (after["answers"], after["identifier"]) == (before["answers"], before["identifier"])
    assert (after["review"]["required"], after["version"], after["edits"][0]["action"]) == (False, 2, "confirm")
    assert desk.get("/review")["items"] == []


def test_of_two_reviewers_at_once_one_is_told_the_current_version_and_overwrites_nothing(desk: Desk):
    sheet_id = doubtful(desk)
    both = Barrier(2)
    for version in (1, 2, 3):
        with ThreadPoolExecutor(2) as pool:
            calls = {value: pool.submit(together, both, desk, sheet_id, version, value) for value in "24"}
        replies = {value: call.result() for value, call in calls.items()}
        won = [value for value, reply in replies.items() if reply.status_code == 200]
        (lost,) = [reply for reply in replies.values() if reply.status_code != 200]
        assert (lost.status_code, lost.json()["reason"]) == (409, "sheet_has_changed")
        assert lost.json()["current_version"] == version + 1
        sheet = desk.sheet(sheet_id)
        assert ([sheet["answers"][1]["values"]], sheet["version"]) == ([won], version + 1)
        assert len(sheet["edits"]) == version


def together(both: Barrier, desk: Desk, sheet_id: str, version: int, value: str) -> httpx.Response:
    both.wait(10)
    return correct(desk, sheet_id, version, answers={"q2": [value]})


@pytest.mark.parametrize("version", [2, 99])
def test_a_version_that_nobody_saw_is_refused(desk: Desk, version: int):
    sheet_id = doubtful(desk)
    reply = confirm(desk, sheet_id, version)
    assert (reply.status_code, reply.json()["current_version"]) == (409, 1)
    assert desk.sheet(sheet_id)["edits"] == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"answers": {"q9": ["1"]}}, "question_unknown"),
        ({"answers": {"student_number": ["1"]}}, "question_unknown"),
        ({"answers": {"q1": ["6"]}}, "value_unknown"),
        ({}, "correction_empty"),
        ({"answers": {"q1": ["1"]}, "surprise": 1}, "request_invalid"),
        ({"identifier": "4\x002"}, "request_invalid"),
    ],
)
def test_a_correction_that_the_template_does_not_know_is_refused(desk: Desk, fields: dict[str, Any], reason: str):
    sheet_id = doubtful(desk)
    reply = correct(desk, sheet_id, **fields)
    assert (reply.status_code, reply.json()["reason"]) == (422, reason)
    assert desk.sheet(sheet_id)["version"] == 1


def test_a_person_can_type_what_stands_on_a_page_that_was_refused(desk: Desk):
    batch_id, _ = desk.read(refused("a.jpg"))
    (sheet,) = desk.sheets(batch_id, status="FAILED")
    partly = correct(desk, sheet["id"], answers={"q1": ["1"]})
    assert (partly.status_code, partly.json()["reason"]) == (422, "answers_incomplete")
    whole = correct(desk, sheet["id"], answers={"q1": ["1"], "q2": [], "q3": ["2"]}, identifier="42").json()
    assert (whole["status"], whole["error_reason"], whole["reading"]["reason"]) == ("ANSWERS_READY", None, "TRUNCATED")
    assert desk.get(f"/batches/{batch_id}")["counts"] == {"done": 1, "ok": 1, "to_review": 0, "refused": 0}


def test_the_review_list_is_oldest_first_by_exam_batch_and_reason(desk: Desk):
    low = ["ANSWER_LOW_CONFIDENCE"]
    first, _ = desk.read(
        reading("b.jpg", 2, review_reasons=low), reading("b.jpg", 1, marks="---"), reading("c.jpg"), refused("d.jpg")
    )
    _, (worker,) = desk.uploaded("z.jpg", exam="final")
    worker.deliver(1, reading("z.jpg", review_reasons=low))

    def listed(**params: Any) -> list[tuple[str, int]]:
        return [(sheet["file"], sheet["page"]) for sheet in desk.get("/review", **params)["items"]]

    assert listed() == [("b.jpg", 1), ("b.jpg", 2), ("z.jpg", 1)]
    assert listed(exam="final") == [("z.jpg", 1)]
    assert listed(batch=first) == [("b.jpg", 1), ("b.jpg", 2)]
    assert listed(reason="ANSWER_LOW_CONFIDENCE") == [("b.jpg", 2), ("z.jpg", 1)]
    page = desk.get("/review", limit=2)
    assert listed(cursor=page["next_cursor"]) == [("z.jpg", 1)]
    broken = desk.call("GET", "/review", params={"cursor": "AAAA"})
    assert (broken.status_code, broken.json()["reason"]) == (422, "cursor_invalid")


def test_sheets_are_listed_in_the_order_of_files_and_pages(desk: Desk):
    batch_id, _ = desk.read(reading("b.jpg", 2), reading("a.jpg", marks="---"), reading("b.jpg", 1), refused("c.jpg"))
    first = desk.get(f"/batches/{batch_id}/sheets", limit=2)
    rest = desk.sheets(batch_id, cursor=first["next_cursor"])
    places = [(sheet["file"], sheet["page"]) for sheet in first["items"] + rest]
    assert places == [("b.jpg", 1), ("b.jpg", 2), ("a.jpg", 1), ("c.jpg", 1)]
    assert [sheet["file"] for sheet in desk.sheets(batch_id, review="required")] == ["a.jpg"]
    assert [sheet["file"] for sheet in desk.sheets(batch_id, status="FAILED")] == ["c.jpg"]
    assert desk.sheets(batch_id, review="settled") == []


def test_the_overlay_is_the_picture_that_the_published_attempt_stored(desk: Desk):
    batch_id, _ = desk.read(reading("a.jpg"), refused("b.jpg"))
    read, unread = desk.sheets(batch_id)
    assert read["overlay_url"] == f"http://academy.test/api/v1/omr/sheets/{read['id']}/overlay.png?v=1"
    picture = desk.call("GET", f"/sheets/{read['id']}/overlay.png")
    assert (picture.content, picture.headers["Content-Type"]) == (OVERLAY, "image/png")
    assert picture.headers["Cache-Control"].startswith("private")
    missing = desk.call("GET", f"/sheets/{unread['id']}/overlay.png")
    assert (missing.status_code, missing.json()["reason"]) == (404, "overlay_not_found")
