"""Uploading sheets: what is signed, what is refused, and which jobs one complete batch starts."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.control_plane.omr.sheets import JPEG, PDF, Desk, batch_body, file_call
from tests.control_plane.plane import TENANT


def test_a_batch_gets_a_put_of_exactly_its_size_and_type_for_each_file(desk: Desk):
    batch = desk.init("a.jpg", "b.jpg", title="Class 3")
    assert (batch["status"], batch["exam"], batch["title"]) == ("PENDING", "midterm", "Class 3")
    assert [upload["name"] for upload in batch["uploads"]] == ["a.jpg", "b.jpg"]
    upload = batch["uploads"][0]
    assert upload["headers"]["Content-Length"] == str(len(JPEG))
    assert httpx.put(upload["url"], content=JPEG, headers={"Content-Type": "text/html"}).status_code == 403
    assert batch["counts"] == {"done": 0, "ok": 0, "to_review": 0, "refused": 0}
    assert desk.get(f"/batches/{batch['id']}")["files"] == [
        {"number": n, "name": name, "content_type": "image/jpeg", "size": len(JPEG)}
        for n, name in [(1, "a.jpg"), (2, "b.jpg")]
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"files": [file_call("a.gif", content_type="image/gif")]}, "content_type_not_allowed"),
        ({"files": [file_call("a.jpg"), file_call("a.jpg")]}, "file_named_twice"),
        ({"files": [{**file_call("a.jpg"), "size": 2 * 1024 * 1024}]}, "size_too_large"),
        ({"files": []}, "request_invalid"),
        ({"files": [{**file_call("a.jpg"), "size": 0}]}, "request_invalid"),
        ({"exam": " "}, "request_invalid"),
        ({"engine": "magic"}, "request_invalid"),
    ],
)
def test_a_batch_is_refused(desk: Desk, fields: dict[str, Any], reason: str):
    reply = desk.call("POST", "/batches", json=batch_body(desk.template(), **fields))
    assert (reply.status_code, reply.json()["reason"]) == (422, reason)
    assert desk.get("/batches")["items"] == []


def test_a_batch_needs_a_template_of_the_tenant(desk: Desk):
    reply = desk.call("POST", "/batches", json=batch_body(str(uuid4())))
    assert (reply.status_code, reply.json()["reason"]) == (404, "template_not_found")


def test_complete_pins_every_file_and_starts_one_job_for_the_whole_batch(desk: Desk):
    batch = desk.init("a.jpg", "b.jpg", "c.jpg")
    desk.put(batch)
    reply = desk.complete(batch["id"]).json()
    (job,) = reply["jobs"]
    assert (reply["status"], job["files"], job["is_published"]) == ("UPLOADED", 3, False)
    rows = desk.plane.fetch("SELECT key, etag, shard FROM omr_files ORDER BY number")
    for number, (key, etag, shard) in enumerate(rows, start=1):
        found = desk.plane.services.store.find(key)
        assert found is not None
        assert key == f"tenants/{TENANT}/omr/batches/{batch['id']}/source/{number}.jpg"
        assert (etag, shard) == (found.etag, 0)
    assert desk.plane.background.woken == ["dispatcher"]


def test_puts_that_have_expired_are_signed_again_until_the_batch_is_complete(desk: Desk):
    batch = desk.init("a.jpg", "b.jpg")
    again = desk.call("POST", f"/batches/{batch['id']}/uploads")
    assert again.status_code == 200
    desk.put(again.json())
    assert desk.complete(batch["id"]).status_code == 200
    late = desk.call("POST", f"/batches/{batch['id']}/uploads")
    assert (late.status_code, late.json()["reason"]) == (409, "batch_is_not_pending")


def test_above_a_set_number_of_pages_several_jobs_share_the_files(desk: Desk):
    names = [f"{n}.jpg" for n in range(6)]
    batch = desk.init(files=[*map(file_call, names), file_call("all.pdf", PDF, "application/pdf")])
    for upload in batch["uploads"]:
        body = PDF if upload["name"] == "all.pdf" else JPEG
        assert httpx.put(upload["url"], content=body, headers=upload["headers"]).status_code == 200
    jobs = desk.complete(batch["id"]).json()["jobs"]
    # Four pictures; two and a PDF that is taken to have one page for every 1,000 bytes.
    assert [(job["shard"], job["files"]) for job in jobs] == [(0, 4), (1, 3)]
    assert desk.plane.fetch("SELECT expected_pages FROM omr_shards ORDER BY shard") == [(4,), (3,)]
    assert desk.plane.fetch("SELECT count(*) FROM jobs") == [(2,)]


def test_twelve_completes_at_once_make_one_set_of_jobs(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    batch = desk.init(*(f"{n}.jpg" for n in range(6)))
    desk.put(batch)
    store, gate = desk.plane.services.store, Event()
    looked: list[str] = []
    look = type(store).open_range

    def look_together(self: Any, key: str, *, range_header: str | None) -> Any:
        """Nobody goes on before every call has begun to look: all of them saw a PENDING row."""
        looked.append(key)
        if len(looked) >= 12 * 6:
            gate.set()
        assert gate.wait(20)
        return look(self, key, range_header=range_header)

    monkeypatch.setattr(type(store), "open_range", look_together)
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: desk.complete(batch["id"]), range(12)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({tuple(job["job_id"] for job in reply.json()["jobs"]) for reply in replies}) == 1
    assert desk.plane.fetch("SELECT count(*) FROM jobs") == [(2,)]
    moves = desk.plane.fetch("SELECT from_status, to_status, actor FROM omr_batch_moves ORDER BY id")
    assert moves == [(None, "PENDING", "kim"), ("PENDING", "UPLOADED", "kim")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "source_not_found_or_empty"),
        (b"", "source_not_found_or_empty"),
        (JPEG + b"x", "source_invalid:SIZE_MISMATCH"),
        (b"<html>" + JPEG[6:], "source_invalid:NOT_A_PICTURE"),
    ],
)
def test_a_file_is_refused_by_name_and_the_row_says_why(desk: Desk, body: bytes | None, reason: str):
    batch = desk.init("good.jpg", "bad.jpg")
    desk.put({"uploads": batch["uploads"][:1]})
    if body is not None:
        (key,) = desk.plane.fetch("SELECT key FROM omr_files WHERE name = 'bad.jpg'")[0]
        desk.plane.services.store.write(key, body, content_type="image/jpeg")
    reply = desk.complete(batch["id"])
    assert (reply.status_code, reply.json()["reason"]) == (409, reason)
    assert reply.json()["detail"] == f"bad.jpg: {reason}"
    row = desk.get(f"/batches/{batch['id']}")
    assert (row["status"], row["error_reason"], row["jobs"]) == ("PENDING", reason, [])
    assert desk.plane.fetch("SELECT count(*) FROM jobs") == [(0,)]
    (key,) = desk.plane.fetch("SELECT key FROM omr_files WHERE name = 'bad.jpg'")[0]
    desk.plane.services.store.write(key, JPEG, content_type="image/jpeg")
    assert desk.complete(batch["id"]).json()["error_reason"] is None


def test_batches_are_listed_newest_first_by_exam_and_status(desk: Desk):
    template_id = desk.template()
    ids = [
        desk.call("POST", "/batches", json=batch_body(template_id, exam=exam)).json()["id"] for exam in ("a", 7, "a")
    ]
    assert [row["id"] for row in desk.get("/batches")["items"]] == ids[::-1]
    assert [row["id"] for row in desk.get("/batches", exam="a")["items"]] == [ids[2], ids[0]]
    assert [row["exam"] for row in desk.get("/batches", exam="7")["items"]] == ["7"]
    assert desk.get("/batches", status="READY")["items"] == []
    first = desk.get("/batches", limit=2)
    assert [row["id"] for row in desk.get("/batches", cursor=first["next_cursor"])["items"]] == ids[:1]
