"""Uploading, reviewing and exporting against an API whose answers the test writes down."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.scripted_api import ScriptedApi

BATCH_ID = "3f9c2a1b-0000-4000-8000-000000000001"
SHEET_ID = "5d1e77c0-0000-4000-8000-000000000001"
TEMPLATE_ID = "77777777-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def _poll_at_once_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cli.following.POLL_S", 0.0)


def batch(**changes: Any) -> dict[str, Any]:
    return {
        "id": BATCH_ID,
        "exam": "Algebra 3",
        "title": None,
        "template_id": TEMPLATE_ID,
        "engine": "auto",
        "status": "READY",
        "error_reason": None,
        "counts": {"done": 60, "ok": 57, "to_review": 2, "refused": 1},
        "created_by": "teacher",
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": "2026-01-02T03:04:05+00:00",
        "files": [{"number": 1, "name": "scan.png", "content_type": "image/png", "size": 1_200_000}],
        "jobs": [],
    } | changes


def sheet(**changes: Any) -> dict[str, Any]:
    return {
        "id": SHEET_ID,
        "batch_id": BATCH_ID,
        "exam": "Algebra 3",
        "file": "scan [1].pdf",
        "page": 7,
        "status": "ANSWERS_READY",
        "error_reason": None,
        "identifier": "12345678",
        "review": {
            "required": True,
            "reasons": ["ANSWER_BLANK_OR_MULTI"],
            "updated_at": "2026-01-02T03:04:05+00:00",
            "reviewed_by": None,
            "reviewed_at": None,
        },
        "overlay_url": None,
        "version": 4,
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": "2026-01-02T03:04:05+00:00",
        "answers": [
            {
                "question_id": "q5",
                "values": [],
                "source": "machine",
                "detected": [],
                "marking": "blank",
                "confidence": 0.99,
                "status": "blank",
            }
        ],
    } | changes


def page(*rows: Any, cursor: str | None = None) -> dict[str, Any]:
    return {"items": list(rows), "next_cursor": cursor}


@pytest.fixture
def scans(run: Run) -> Path:
    run("omr", "template", "new", "--output", "form.json")
    folder = Path("scans")
    folder.mkdir()
    (folder / "b.PNG").write_bytes(b"second")
    (folder / "a.pdf").write_bytes(b"first")
    (folder / "notes.txt").write_bytes(b"no scan")
    return folder


def accept_upload(api: ScriptedApi) -> None:
    puts = [
        {"name": name, "url": f"{api.url}/put/{name}", "headers": {"X-Signed": name}} for name in ("a.pdf", "b.PNG")
    ]
    api.on("POST /omr/templates", {"id": TEMPLATE_ID, "name": "form", "version": "1", "uploads": []}, status=201)
    api.on("POST /omr/batches", batch(status="PENDING", uploads=puts), status=201)
    api.on("PUT /put/a.pdf", b"")
    api.on("PUT /put/b.PNG", b"")
    api.on(f"POST /omr/batches/{BATCH_ID}/complete", batch(status="UPLOADED"))


def test_an_upload_sends_the_template_and_every_scan_of_a_folder_and_waits_for_the_end(
    run: Run, api: ScriptedApi, scans: Path
):
    accept_upload(api)
    step = {
        "encoding_step_index": 3,
        "encoding_step_total": 4,
        "encoding_step_name": "reading",
        "encoding_progress": 50,
    }
    waiting, working = {"id": BATCH_ID, "status": "UPLOADED"}, {"id": BATCH_ID, "status": "PROCESSING"} | step
    api.on(f"GET /omr/batches/{BATCH_ID}/progress", waiting, working, {"id": BATCH_ID, "status": "READY"})
    api.on(f"GET /omr/batches/{BATCH_ID}", batch())
    ended = run("omr", "upload", "scans", "--template", "form.json", "--exam", "Algebra 3")
    assert ended.code == 0
    assert "57 ok, 2 to review, 1 refused" in ended.out
    assert "3/4 Reading" in ended.err
    assert "2 to review: academy omr review --batch 3f9c2a1b" in ended.err

    stored = api.calls("POST /omr/templates")[0].json
    assert stored["pictures"] == []
    assert stored["template"]["frame"] == {"width": 210, "height": 297, "mm_per_unit": 1}
    asked = api.calls("POST /omr/batches")[0].json
    assert (asked["exam"], asked["template_id"], asked["engine"]) == ("Algebra 3", TEMPLATE_ID, "auto")
    assert asked["files"] == [
        {"name": "a.pdf", "size": 5, "content_type": "application/pdf"},
        {"name": "b.PNG", "size": 6, "content_type": "image/png"},
    ]
    put = api.calls("PUT /put/a.pdf")[0]
    assert (put.body, put.headers["x-signed"]) == (b"first", "a.pdf")
    assert "authorization" not in put.headers


def test_a_template_whose_pictures_are_asked_for_sends_them(run: Run, api: ScriptedApi, scans: Path):
    accept_upload(api)
    form = json.loads(Path("form.json").read_text())
    form["fiducials"] = [{"kind": "form", "picture": "blank.png"}]
    Path("form.json").write_text(json.dumps(form))
    Path("blank.png").write_bytes(b"picture")
    upload = {"name": "blank.png", "url": f"{api.url}/put/blank.png", "headers": {}}
    api.on("POST /omr/templates", {"id": TEMPLATE_ID, "name": "form", "version": "1", "uploads": [upload]}, status=201)
    api.on("PUT /put/blank.png", b"")
    ended = run("omr", "upload", "scans", "--template", "form.json", "--exam", "E", "--no-wait", "--json")
    assert (ended.code, json.loads(ended.out)["status"]) == (0, "UPLOADED")
    assert api.calls("POST /omr/templates")[0].json["pictures"] == [
        {"name": "blank.png", "size": 7, "content_type": "image/png"}
    ]
    assert api.calls("PUT /put/blank.png")[0].body == b"picture"


def test_two_scans_of_the_same_name_keep_their_folders(run: Run, api: ScriptedApi, scans: Path):
    accept_upload(api)
    Path("more").mkdir()
    Path("more/a.pdf").write_bytes(b"third")
    api.on("POST /omr/batches", batch(status="PENDING", uploads=[]), status=201)
    run("omr", "upload", "scans", "more/a.pdf", "--template", "form.json", "--exam", "E", "--no-wait")
    names = [file["name"] for file in api.calls("POST /omr/batches")[0].json["files"]]
    assert names == ["scans/a.pdf", "b.PNG", "more/a.pdf"]


def test_a_batch_that_fails_is_exit_code_1_with_its_reason(run: Run, api: ScriptedApi, scans: Path):
    accept_upload(api)
    api.on(f"GET /omr/batches/{BATCH_ID}/progress", {"id": BATCH_ID, "status": "FAILED"})
    api.on(f"GET /omr/batches/{BATCH_ID}", batch(status="FAILED", error_reason="TIMED_OUT"))
    ended = run("omr", "upload", "scans", "--template", "form.json", "--exam", "E")
    assert ended.code == 1
    assert "TIMED_OUT (The work took too long.)" in ended.err


def test_a_refused_upload_is_exit_code_4(run: Run, api: ScriptedApi, scans: Path):
    accept_upload(api)
    refusal = {"reason": "template_exists", "detail": "another template 'form' has version '1'"}
    api.on("POST /omr/templates", refusal, status=409)
    ended = run("omr", "upload", "scans", "--template", "form.json", "--exam", "E")
    assert (ended.code, "another template 'form' has version '1'" in ended.err) == (4, True)


def test_batches_are_listed_over_as_many_pages_as_it_takes(run: Run, api: ScriptedApi):
    api.on("GET /omr/batches", page(batch(), cursor="next"), page(batch(exam="Other")))
    ended = run("omr", "batches", "list", "--exam", "Algebra 3")
    assert "Algebra 3" in ended.out
    assert "Other" in ended.out
    first, second = api.calls("GET /omr/batches")
    assert (first.query["exam"], first.query["limit"]) == ("Algebra 3", "50")
    assert (second.query["cursor"], second.query["limit"]) == ("next", "49")


def test_a_batch_is_shown_repeated_and_cancelled_by_its_first_characters(run: Run, api: ScriptedApi):
    api.on("GET /omr/batches", page(batch()))
    api.on(f"GET /omr/batches/{BATCH_ID}", batch())
    api.on(f"POST /omr/batches/{BATCH_ID}/retry", batch(status="UPLOADED"), status=202)
    assert "57 ok, 2 to review, 1 refused" in run("omr", "batches", "show", "3f9c").out
    assert json.loads(run("omr", "batches", "retry", "3f9c", "--no-wait", "--json").out)["status"] == "UPLOADED"
    api.on(f"POST /omr/batches/{BATCH_ID}/cancel", batch(status="FAILED", error_reason="CANCELLED"))
    assert BATCH_ID in run("omr", "batches", "cancel", "3f9c").err
    assert run("omr", "batches", "show", "9999").code == 3


def test_the_review_list_says_why_each_sheet_is_on_it(run: Run, api: ScriptedApi):
    api.on("GET /omr/review", page(sheet()))
    ended = run("omr", "review", "--exam", "E", "--reason", "answer_blank_or_multi")
    assert "ANSWER_BLANK_OR_MULTI" in ended.out
    assert "scan [1].pdf" in ended.out
    assert api.calls("GET /omr/review")[0].query == {"exam": "E", "reason": "ANSWER_BLANK_OR_MULTI", "limit": "50"}
    api.on("GET /omr/review", page())
    assert "Nothing to review." in run("omr", "review").err


def test_sheets_are_listed_and_one_is_shown_with_its_picture(run: Run, api: ScriptedApi):
    api.on(f"GET /omr/batches/{BATCH_ID}/sheets", page(sheet(), sheet(status="FAILED", error_reason="TRUNCATED")))
    api.on("GET /omr/review", page(sheet()))
    api.on(f"GET /omr/sheets/{SHEET_ID}", sheet())
    api.on(f"GET /omr/sheets/{SHEET_ID}/overlay.png", b"\x89PNG picture")
    assert "TRUNCATED" in run("omr", "sheets", "list", BATCH_ID).out
    shown = run("omr", "sheets", "show", "5d1e", "--overlay", "seen.png")
    assert shown.code == 0
    assert "q5" in shown.out
    assert Path("seen.png").read_bytes() == b"\x89PNG picture"


def test_a_picture_that_does_not_arrive_leaves_no_file(run: Run, api: ScriptedApi):
    api.on(f"GET /omr/sheets/{SHEET_ID}", sheet())
    api.on(f"GET /omr/sheets/{SHEET_ID}/overlay.png", {"reason": "overlay_not_found", "detail": "none"}, status=404)
    assert run("omr", "sheets", "show", SHEET_ID, "--overlay", "seen.png").code == 3
    assert not Path("seen.png").exists()


def test_a_correction_carries_the_version_that_was_seen(run: Run, api: ScriptedApi):
    api.on(f"GET /omr/sheets/{SHEET_ID}", sheet())
    api.on(f"POST /omr/sheets/{SHEET_ID}/answers", sheet(version=5))
    ended = run(
        "omr", "correct", SHEET_ID, "q5=B", "q7=A, C", "q9=", "--student", "87654321", "--note", "seen on paper"
    )
    assert ended.code == 0
    assert api.calls(f"POST /omr/sheets/{SHEET_ID}/answers")[0].json == {
        "version": 4,
        "answers": {"q5": ["B"], "q7": ["A", "C"], "q9": []},
        "identifier": "87654321",
        "note": "seen on paper",
    }


def test_a_sheet_that_somebody_else_changed_is_refused(run: Run, api: ScriptedApi):
    api.on(f"GET /omr/sheets/{SHEET_ID}", sheet())
    changed = {"reason": "sheet_has_changed", "detail": "version 4 is not the newest", "current_version": 5}
    api.on(f"POST /omr/sheets/{SHEET_ID}/confirm", changed, status=409)
    ended = run("omr", "confirm", SHEET_ID)
    assert (ended.code, "Somebody else has changed the sheet" in ended.err) == (4, True)


def test_several_sheets_are_confirmed_at_once(run: Run, api: ScriptedApi):
    other = SHEET_ID.replace("5d1e", "7a02")
    for id_ in (SHEET_ID, other):
        api.on(f"GET /omr/sheets/{id_}", sheet(id=id_))
        api.on(f"POST /omr/sheets/{id_}/confirm", sheet(id=id_, version=5))
    assert run("omr", "confirm", SHEET_ID, other).code == 0
    assert api.calls(f"POST /omr/sheets/{other}/confirm")[0].json == {"version": 4, "note": ""}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("q5",), "'q5' is no answer; write q5=B"),
        (("=B",), "'=B' is no answer"),
        (("q5=B", "q5=C"), "'q5' is answered twice"),
        ((), "name answers, such as q5=B, or --student NUMBER"),
    ],
)
def test_a_correction_that_says_nothing_is_wrong_usage(run: Run, arguments: tuple[str, ...], said: str):
    ended = run("omr", "correct", SHEET_ID, *arguments)
    assert (ended.code, said in ended.err) == (2, True)


def test_an_export_goes_to_a_file_or_as_json_to_stdout(run: Run, api: ScriptedApi):
    api.on(f"GET /omr/batches/{BATCH_ID}/export.csv", "\ufefffile,page\r\n".encode())
    api.on(f"GET /omr/batches/{BATCH_ID}/export.json", {"questions": ["q1"], "sheets": []})
    assert run("omr", "export", BATCH_ID, "--csv", "out/marks.csv").out.strip() == "out/marks.csv"
    assert Path("out/marks.csv").read_bytes() == "\ufefffile,page\r\n".encode()
    assert json.loads(run("omr", "export", BATCH_ID, "--json").out)["questions"] == ["q1"]
