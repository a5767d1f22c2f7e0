"""A video from its upload's first call to what its job is told, and lists of videos."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest

from pipeline.settings import Settings
from pipeline.storage.store import UploadedPart
from tests.control_plane.plane import OTHER, SOURCE, TENANT, Plane, init_body, serve

MIB = 1024 * 1024


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
