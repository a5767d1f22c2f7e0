"""What was put is checked, once however often it is asked for, and becomes one job or a reason."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import UUID

import httpx
import pytest

from control_plane.auth import Caller, Role
from control_plane.videos.complete import PartCall, complete_upload
from pipeline.errors import PermanentError, TransientError
from pipeline.identifiers import TenantId
from pipeline.settings import Settings
from tests.control_plane.plane import SOURCE, TENANT, Plane, serve, token
from tests.fixtures.waiting import wait_for

# `make simulate` completes fifty videos.
COMPLETED = int(os.environ.get("COMPLETED", "3"))


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


@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
def test_an_upload_in_one_piece_needs_no_body(plane: Plane, body: bytes):
    video = plane.init()
    plane.put(video["upload"])
    headers = {"Content-Type": "application/json"}
    reply = plane.call("POST", f"/media/videos/{video['id']}/upload/complete", content=body, headers=headers)
    assert (reply.status_code, reply.json()["status"]) == (200, "UPLOADED")


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


@pytest.mark.parametrize("etag", ['"9b2cf535"', "9b2cf535"])
def test_a_parts_etag_is_taken_with_the_quotes_of_its_header_and_without(etag: str):
    assert PartCall(number=1, etag=etag).etag == "9b2cf535"
