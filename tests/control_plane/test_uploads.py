"""upload/init and upload/complete: what is signed, what is refused, and what one good upload starts."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.auth import Caller, Role
from control_plane.videos.complete import complete_upload
from pipeline.errors import PermanentError, TransientError
from pipeline.identifiers import TenantId
from pipeline.settings import Settings
from pipeline.storage.store import UploadedPart
from tests.control_plane.plane import OTHER, SOURCE, TENANT, Plane, init_body, serve, token
from tests.fixtures.waiting import wait_for

MIB = 1024 * 1024
# `make simulate` completes fifty videos.
COMPLETED = int(os.environ.get("COMPLETED", "3"))


def test_init_signs_a_put_of_exactly_this_size_and_type(plane: Plane):
    body = plane.init()
    upload = body["upload"]
    assert (body["status"], body["session"], body["title"]) == ("PENDING", "lesson-1", "Vectors")
    assert upload["headers"] == {
        "Content-Length": str(len(SOURCE)),
        "Content-Type": "video/mp4",
        "If-None-Match": "*",
    }
    for wrong in ({"Content-Type": "application/vnd.apple.mpegurl"}, {"If-None-Match": ""}):
        assert httpx.put(upload["url"], content=SOURCE, headers=upload["headers"] | wrong).status_code == 403
    assert httpx.put(upload["url"], content=SOURCE + b"x", headers={"Content-Type": "video/mp4"}).status_code == 403
    plane.put(upload)


def test_a_transport_stream_may_have_the_type_that_windows_gives_it(plane: Plane):
    body = plane.init(content_type="video/vnd.dlna.mpeg-tts", filename="camera.m2ts")
    assert plane.video(UUID(body["id"])).source_key.endswith(".ts")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"content_type": "application/vnd.apple.mpegurl"}, "content_type_not_allowed"),
        ({"content_type": "text/html"}, "content_type_not_allowed"),
        ({"size": 101 * MIB}, "size_too_large"),
        ({"size": 0}, "request_invalid"),
        ({"title": " "}, "request_invalid"),
        ({"title": "a\x00b"}, "request_invalid"),
        ({"title": "x" * 301}, "request_invalid"),
        ({"max_speed": 17}, "request_invalid"),
        ({"loudness_lufs": 0}, "request_invalid"),
    ],
)
def test_init_refuses(plane: Plane, fields: dict[str, object], reason: str):
    reply = plane.call("POST", "/media/videos/upload/init", json=init_body(**fields))
    assert (reply.status_code, reply.json()["reason"]) == (422, reason)
    assert plane.fetch("SELECT count(*) FROM videos") == [(0,)]


def test_a_large_source_is_put_in_parts_and_joined_also_where_the_answer_to_that_was_lost(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
):
    join = plane.services.store.complete_multipart

    def join_twice(key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        # As botocore repeats a call, or as another process has been faster.
        join(key, upload_id, parts)
        join(key, upload_id, parts)

    monkeypatch.setattr(plane.services.store, "complete_multipart", join_twice)
    source = bytes(range(256)) * (6 * MIB // 256)
    body = plane.init(size=len(source))
    upload = body["upload"]
    assert len(upload["parts"]) == 2
    path = f"/media/videos/{body['id']}/upload/complete"
    missing = plane.call("POST", path)
    assert (missing.status_code, missing.json()["reason"]) == (422, "parts_missing")
    parts = []
    for part in upload["parts"]:
        first = (part["number"] - 1) * upload["part_bytes"]
        piece = source[first : first + upload["part_bytes"]]
        reply = httpx.put(part["url"], content=piece, headers=part["headers"], timeout=30)
        parts.append({"number": part["number"], "etag": reply.headers["ETag"]})
    # As a browser reads them: with their quotes, in any order.
    reply = plane.call("POST", path, json={"parts": parts[::-1]})
    assert reply.status_code == 200, reply.text
    assert plane.video(UUID(body["id"])).source_bytes == len(source)


def test_complete_pins_the_source_and_inserts_a_job_that_holds_no_url(plane: Plane):
    video_id, job_id = plane.uploaded()
    video, job = plane.video(video_id), plane.job(job_id)
    found = plane.services.store.find(video.source_key)
    assert found is not None
    assert (video.status, video.source_etag, video.source_bytes) == ("UPLOADED", found.etag, len(SOURCE))
    assert (job.state, job.handle, job.asset_id) == ("submitted", None, video_id)
    assert job.spec["source"] == {
        "key": video.source_key,
        "etag": found.etag,
        "size_bytes": len(SOURCE),
        "filename": "vectors.mp4",
    }
    assert plane.background.woken == ["dispatcher"]


def test_64_completes_at_once_of_each_video_make_one_job_by_one_probe(plane: Plane):
    bodies = [plane.init() for _ in range(COMPLETED)]
    for body in bodies:
        plane.put(body["upload"])
    plane.probe.gate = Event()

    def complete_all(_caller: int) -> list[tuple[str, httpx.Response]]:
        # A client of its own: threads that share one sometimes read from a connection that another has closed.
        with httpx.Client(base_url=plane.url, timeout=60, trust_env=False, verify=False) as http:
            path = "/api/v1/media/videos/{}/upload/complete"
            bearer = {"Authorization": f"Bearer {token()}"}
            return [(body["id"], http.post(path.format(body["id"]), headers=bearer)) for body in bodies]

    with ThreadPoolExecutor(64) as pool:
        callers = [pool.submit(complete_all, caller) for caller in range(64)]
        wait_for(lambda: plane.probe.calls, "the first probe")
        plane.probe.gate.set()
        answers = [answer for caller in callers for answer in caller.result(600)]
    assert {answer.status_code for _, answer in answers} == {200}
    jobs = {(video_id, answer.json()["job_id"]) for video_id, answer in answers}
    assert len(jobs) == len(bodies), "all calls of a video are told the same job"
    assert len(plane.probe.calls) == len(bodies)
    assert plane.fetch("SELECT count(*) FROM jobs") == [(len(bodies),)]


def test_two_processes_that_complete_at_once_make_one_job(plane: Plane, settings: Settings):
    body = plane.init()
    plane.put(body["upload"])
    with serve(settings) as other, ThreadPoolExecutor(2) as pool:
        plane.probe.gate = other.probe.gate = Event()
        replies = [pool.submit(one.complete, body["id"]) for one in (plane, other)]
        wait_for(lambda: plane.probe.calls and other.probe.calls, "both probe")
        plane.probe.gate.set()
        answers = [reply.result(30) for reply in replies]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert plane.fetch("SELECT count(*) FROM jobs") == [(1,)]


def test_at_most_two_sources_are_probed_at_once(plane: Plane):
    bodies = [plane.init() for _ in range(4)]
    for body in bodies:
        plane.put(body["upload"])
    plane.probe.gate = Event()
    with ThreadPoolExecutor(4) as pool:
        replies = [pool.submit(plane.complete, body["id"]) for body in bodies]
        wait_for(lambda: len(plane.probe.calls) == 2, "two probes")
        # The API answers while both places are taken.
        assert plane.http.get("/healthz").status_code == 200
        assert len(plane.probe.calls) == 2
        plane.probe.gate.set()
        assert {reply.result(30).status_code for reply in replies} == {200}


def test_complete_again_answers_with_the_same_job(plane: Plane):
    video_id, job_id = plane.uploaded()
    again = plane.complete(str(video_id))
    assert (again.status_code, again.json()["job_id"]) == (200, str(job_id))
    assert len(plane.probe.calls) == 1


def test_a_call_that_saw_the_row_before_another_ended_does_not_probe_again(plane: Plane):
    body = plane.init()
    seen_before = plane.video(UUID(body["id"]))
    plane.put(body["upload"])
    job_id = plane.complete(body["id"]).json()["job_id"]
    caller = Caller(TenantId(TENANT), "kim", Role.TEACHER)
    _, job = complete_upload(plane.services, caller, seen_before, parts=())
    assert str(job.id) == job_id
    assert len(plane.probe.calls) == 1


def test_nothing_put_is_refused_and_stays_on_the_pending_row(plane: Plane):
    body = plane.init()
    reply = plane.complete(body["id"])
    assert (reply.status_code, reply.json()["reason"]) == (409, "source_not_found_or_empty")
    video = plane.video(UUID(body["id"]))
    assert (video.status, video.error_reason) == ("PENDING", "source_not_found_or_empty")
    assert plane.fetch("SELECT count(*) FROM jobs") == [(0,)]


def test_an_empty_object_is_as_good_as_none(plane: Plane):
    body = plane.init()
    plane.services.store.write(plane.video(UUID(body["id"])).source_key, b"", content_type="video/mp4")
    assert plane.complete(body["id"]).json()["reason"] == "source_not_found_or_empty"


def test_another_size_than_declared_is_refused(plane: Plane):
    body = plane.init()
    plane.services.store.write(plane.video(UUID(body["id"])).source_key, b"short", content_type="video/mp4")
    assert plane.complete(body["id"]).json()["reason"] == "source_invalid:SIZE_MISMATCH"
    assert plane.probe.calls == []


def test_a_source_that_was_cut_on_its_way_is_refused_wherever_it_was_cut(plane: Plane):
    """By its size alone: a container that could not tell is never looked into."""
    body = plane.init()
    key = plane.video(UUID(body["id"])).source_key
    for percent in range(5, 100, 5):
        plane.services.store.write(key, SOURCE[: len(SOURCE) * percent // 100], content_type="video/mp4")
        assert plane.complete(body["id"]).json()["reason"] == "source_invalid:SIZE_MISMATCH"
    assert plane.probe.calls == []


def test_the_job_is_told_the_limits_of_the_installation(plane: Plane):
    _, job_id = plane.uploaded()
    limits = plane.services.settings.transcode_limits.model_dump(mode="json")
    assert plane.job(job_id).spec["limits"] == limits


@pytest.mark.parametrize(
    ("fields", "told"), [({"loudness_lufs": -16}, -16.0), ({}, None), ({"loudness_lufs": None}, None)]
)
def test_the_job_is_told_the_loudness_that_the_upload_asked_for(
    plane: Plane, fields: dict[str, Any], told: float | None
):
    video_id, job_id = plane.uploaded(**fields)
    assert plane.job(job_id).spec["loudness_lufs"] == told
    assert plane.call("GET", f"/media/videos/{video_id}").json()["loudness_lufs"] == told


def test_a_retry_is_told_the_same_loudness(plane: Plane):
    video_id, job_id = plane.uploaded(loudness_lufs=-16)
    assert plane.call("POST", f"/jobs/{job_id}/cancel").status_code == 200
    retried = plane.call("POST", f"/media/videos/{video_id}/retry").json()
    assert plane.job(UUID(retried["job_id"])).spec["loudness_lufs"] == -16.0


def test_an_upload_that_says_nothing_gets_its_tenants_loudness(plane: Plane, settings: Settings):
    wished = {"loudness_lufs": -16.0, "tenant_loudness_lufs": {OTHER: -23.0, "hagwon-3": None}}
    with serve(settings.model_copy(update=wished)) as levelling:

        def stored(tenant: str, **fields: object) -> float | None:
            return plane.video(UUID(levelling.init(tenant=tenant, **fields)["id"]), tenant).loudness_lufs

        assert [stored(tenant) for tenant in (TENANT, OTHER, "hagwon-3")] == [-16.0, -23.0, None]
        assert stored(OTHER, loudness_lufs=-18) == -18.0
        assert stored(OTHER, loudness_lufs=None) is None


def test_what_the_probe_refuses_is_told_and_a_new_upload_can_be_tried(plane: Plane):
    body = plane.init()
    plane.put(body["upload"])
    plane.probe.failure = PermanentError("NOT_MEDIA", "text")
    refused = plane.complete(body["id"])
    assert (refused.status_code, refused.json()["reason"]) == (409, "source_invalid:NOT_MEDIA")
    row = plane.call("GET", f"/media/videos/{body['id']}").json()
    assert (row["status"], row["error_reason"]) == ("PENDING", "source_invalid:NOT_MEDIA")
    assert row["error_message"]["en"] == "This file is not a video."

    plane.probe.failure = None
    again = plane.init(video_id=body["id"])
    assert again["id"] == body["id"]
    assert again["error_reason"] is None
    assert again["upload"]["url"].split("?")[0] != body["upload"]["url"].split("?")[0]
    plane.put(again["upload"])
    assert plane.complete(body["id"]).status_code == 200
    assert plane.video(UUID(body["id"])).source_key.endswith("/2.mp4")


def test_a_lecture_of_two_seconds_is_too_short(plane: Plane):
    body = plane.init()
    plane.put(body["upload"])
    plane.probe.duration_s = 2.14
    reply = plane.complete(body["id"])
    assert (reply.status_code, reply.json()["reason"]) == (409, "duration_too_short:2.1")


def test_a_store_that_does_not_answer_is_no_refusal(plane: Plane):
    body = plane.init()
    plane.put(body["upload"])
    plane.probe.failure = TransientError("STORAGE_UNAVAILABLE", "no answer")
    reply = plane.complete(body["id"])
    assert (reply.status_code, reply.json()["reason"]) == (503, "STORAGE_UNAVAILABLE")
    assert plane.video(UUID(body["id"])).error_reason is None


def test_a_newer_upload_that_is_signed_during_the_check_wins(plane: Plane):
    body = plane.init()
    plane.put(body["upload"])
    plane.probe.gate = Event()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(plane.complete, body["id"])
        wait_for(lambda: plane.probe.calls, "the probe")
        plane.init(video_id=body["id"])
        plane.probe.gate.set()
        answer = reply.result(30)
    assert (answer.status_code, answer.json()["reason"]) == (409, "upload_replaced")
    assert plane.fetch("SELECT count(*) FROM jobs") == [(0,)]


def test_only_a_pending_video_takes_another_upload(plane: Plane):
    video_id, _ = plane.uploaded()
    reply = plane.call("POST", "/media/videos/upload/init", json=init_body(video_id=str(video_id)))
    assert (reply.status_code, reply.json()["reason"]) == (409, "video_is_not_pending")


def test_a_failed_video_is_retried_not_completed(plane: Plane):
    video_id, worker = plane.submitted()
    worker.fail(1)
    reply = plane.complete(str(video_id))
    assert (reply.status_code, reply.json()["reason"]) == (409, "video_has_failed")


def test_a_list_is_filtered_and_paged_without_gap_or_overlap(plane: Plane):
    titles = [f"Lesson {n}" for n in range(5)] + ["100% sure"]
    ids = [plane.init(title=title, session=f"s{n % 2}")["id"] for n, title in enumerate(titles)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = plane.call("GET", "/media/videos", params=query).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]

    def found(**query: str) -> list[str]:
        return [item["title"] for item in plane.call("GET", "/media/videos/", params=query).json()["items"]]

    assert found(session="s1") == [titles[5], titles[3], titles[1]]
    assert found(title="LESSON 3") == ["Lesson 3"]
    assert found(title="%") == ["100% sure"], "a wildcard is a letter like any other"
    assert found(status="READY") == []
    assert plane.call("GET", "/media/videos", params={"cursor": "nonsense"}).status_code == 422
