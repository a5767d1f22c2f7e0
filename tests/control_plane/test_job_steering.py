"""retry, resubmit, cancel, and looking at jobs."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from pipeline.errors import Unavailable
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.plane import Plane, Worker


def test_retry_of_a_failed_video_makes_one_new_job_however_often_it_is_called(plane: Plane):
    video_id, worker = plane.submitted()
    worker.fail(1)
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: plane.call("POST", f"/media/videos/{video_id}/retry"), range(16)))
    assert {reply.status_code for reply in replies} == {202}
    (new,) = {reply.json()["job_id"] for reply in replies}
    assert new != str(worker.job_id)
    row = plane.video(video_id)
    assert (row.status, row.error_reason) == ("UPLOADED", None)
    assert plane.fetch("SELECT count(*) FROM jobs") == [(2,)]


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "READY"])
def test_retry_is_for_failed_and_uploaded_videos(plane: Plane, status: str):
    match status:
        case "PENDING":
            video_id = plane.init()["id"]
        case "PROCESSING":
            video_id, worker = plane.submitted()
            worker.start(1)
        case _:
            video_id, _ = plane.ready()
    reply = plane.call("POST", f"/media/videos/{video_id}/retry")
    assert (reply.status_code, reply.json()["reason"]) == (409, "retry_not_allowed")


def test_a_ready_video_is_resubmitted_by_force_and_plays_its_old_stream_until_the_new_one_is_there(plane: Plane):
    video_id, first = plane.ready()
    old = plane.video(video_id)
    path = f"/jobs/{first.job_id}/resubmit"
    refused = plane.call("POST", path)
    assert (refused.status_code, refused.json()["reason"]) == (409, "video_is_ready")

    reply = plane.call("POST", path, json={"force": True})
    assert reply.status_code == 202, reply.text
    second = Worker(plane, UUID(reply.json()["id"]))
    assert plane.job(second.job_id).spec == plane.job(first.job_id).spec
    live = plane.call("POST", path, json={"force": True})
    assert (live.status_code, live.json()["reason"]) == (409, "job_is_live")

    plane.turn("dispatcher")
    assert second.start(1).status_code == 200
    assert (plane.video(video_id).status, plane.video(video_id).hls_path) == ("READY", old.hls_path)
    second.store_outputs(1)
    assert second.finish(1).status_code == 200
    assert plane.video(video_id).hls_path == second.prefix(1) + "master.m3u8"


def test_a_resubmit_that_fails_changes_nothing_but_its_job(plane: Plane):
    video_id, first = plane.ready()
    before = plane.video(video_id)
    reply = plane.call("POST", f"/jobs/{first.job_id}/resubmit", json={"force": True})
    second = Worker(plane, UUID(reply.json()["id"]))
    plane.turn("dispatcher")
    second.start(1)
    assert second.fail(1).json() == {"state": "failed"}
    assert plane.video(video_id) == before


def test_cancel_fails_job_and_video_and_tells_the_executor_until_it_hears(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    reply = plane.call("POST", f"/jobs/{worker.job_id}/cancel")
    assert (reply.status_code, reply.json()["state"], reply.json()["reason"]) == (200, "failed", "CANCELLED")
    video = plane.video(video_id)
    assert (video.status, video.error_reason) == ("FAILED", "CANCELLED")
    assert "terminations" in plane.background.woken

    plane.executor.failure = Unavailable("executor_unavailable", "away")
    with pytest.raises(Unavailable):
        plane.turn("terminations")
    plane.executor.failure = None
    plane.turn("terminations")
    plane.turn("terminations")
    assert [handle for handle, _ in plane.executor.cancelled] == [worker.handle]
    assert worker.finish(1).json()["reason"] == "job_has_ended"
    again = plane.call("POST", f"/jobs/{worker.job_id}/cancel")
    assert (again.status_code, again.json()["reason"]) == (409, "job_has_ended")


def test_a_cancelled_job_that_was_never_written_down_as_submitted_is_found_by_its_name(plane: Plane):
    _, job_id = plane.uploaded()
    plane.executor.tell(f"handle-{job_id}", JobState.RUNNABLE, attempt=1)
    plane.call("POST", f"/jobs/{job_id}/cancel")
    plane.turn("terminations")
    assert [handle for handle, _ in plane.executor.cancelled] == [f"handle-{job_id}"]
    plane.turn("dispatcher")
    assert plane.executor.submitted == []


def test_cancelling_a_resubmit_leaves_the_video_playing(plane: Plane):
    video_id, first = plane.ready()
    job = plane.call("POST", f"/jobs/{first.job_id}/resubmit", json={"force": True}).json()
    assert plane.call("POST", f"/jobs/{job['id']}/cancel").status_code == 200
    assert plane.video(video_id).status == "READY"


def test_a_job_is_shown_whole_and_without_any_signed_url_or_token(plane: Plane):
    _, worker = plane.submitted()
    worker.start(1)
    detail = "GET http://s3/b/k?X-Amz-Signature=abcdef&x=1 broke"
    worker.fail(1, "STORAGE_UNAVAILABLE", permanent=False, detail=detail, steps=[{"name": "probing", "seconds": 1}])
    plane.executor.tell(worker.handle, JobState.RUNNABLE, attempt=2, exit_codes=[75])
    reply = plane.call("GET", f"/jobs/{worker.job_id}")
    body = reply.json()
    (attempt,) = body["attempts"]
    assert (attempt["ending"], attempt["exit_code"], attempt["steps"]) == (
        "retry",
        75,
        [{"name": "probing", "seconds": 1.0}],
    )
    assert body["executor"]["state"] == "runnable"
    assert "key" in body["spec"]["source"]
    for secret in ("X-Amz-Signature", "abcdef", "eyJ"):
        assert secret not in reply.text


def test_a_job_is_shown_when_the_executor_is_away(plane: Plane):
    _, worker = plane.submitted()
    plane.executor.failure = Unavailable("executor_unavailable", "away")
    reply = plane.call("GET", f"/jobs/{worker.job_id}")
    assert (reply.status_code, reply.json()["executor"]) == (200, None)


def test_logs_are_cut_to_their_tail_and_redacted(plane: Plane):
    _, worker = plane.submitted()
    reply = plane.call("GET", f"/jobs/{worker.job_id}/logs", params={"tail": 2})
    assert reply.json() == {"attempt": 1, "lines": ["GET http://s3/bucket/key?[redacted] took 1 s", "last"]}
    missing = plane.call("GET", f"/jobs/{worker.job_id}/logs", params={"attempt": 2})
    assert (missing.status_code, missing.json()["reason"]) == (404, "log_not_found")
    of_part = plane.call("GET", f"/jobs/{worker.job_id}/logs", params={"part": 3}).json()
    assert of_part["detail"].startswith(f"attempt 1 of part 3 of job {worker.job_id} has no log")


def test_jobs_are_listed_newest_first_by_state(plane: Plane):
    _, first = plane.submitted()
    _, second = plane.ready()
    items = plane.call("GET", "/jobs").json()["items"]
    assert [item["id"] for item in items] == [str(second.job_id), str(first.job_id)]
    items = plane.call("GET", "/jobs", params={"state": "succeeded", "kind": "transcode"}).json()["items"]
    assert [item["id"] for item in items] == [str(second.job_id)]
