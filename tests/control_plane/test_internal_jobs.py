"""The four calls of a job: fenced by token, handle and attempt, and safe to repeat."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from control_plane.internal_jobs.tokens import JobKey, mint_job_token
from pipeline.contracts.transcode import TranscodeSpec
from pipeline.identifiers import TenantId
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.outcomes import outcome_body
from tests.control_plane.plane import JOB_SECRET, SOURCE, TENANT, Plane, Worker, token
from tests.fixtures.moves import moves_of_video

FILES = [{"path": "v1/00000.m4s", "size_bytes": 3, "content_type": "video/iso.segment"}]
BODIES: dict[str, dict[str, Any]] = {
    "start": {},
    "uploads": {"files": FILES},
    "finish": {"outcome": outcome_body()},
    "fail": {"reason": "CORRUPT", "permanent": True},
}


def test_start_tells_the_whole_spec_with_a_url_that_reads_the_source(plane: Plane):
    video_id, worker = plane.submitted()
    reply = worker.start(1).json()
    spec = TranscodeSpec.model_validate(reply["spec"])
    assert httpx.get(spec.source.url).content == SOURCE
    assert spec.source.etag == plane.video(video_id).source_etag
    assert (reply["kind"], reply["tenant_id"]) == ("transcode", TENANT)
    assert reply["progress"]["keys"] == [
        f"tenant:{TENANT}:job:{worker.job_id}:progress",
        f"tenant:{TENANT}:video:{video_id}:progress",
    ]
    assert (plane.video(video_id).status, plane.job(worker.job_id).state) == ("PROCESSING", "running")


def test_start_may_be_repeated_when_its_answer_was_lost(plane: Plane):
    _, worker = plane.submitted()
    assert [worker.start(1).status_code for _ in range(2)] == [200, 200]
    assert plane.fetch("SELECT attempt, ended_at FROM job_attempts") == [(1, None)]


def test_a_start_after_the_executors_report_still_begins_the_attempt(plane: Plane):
    video_id, worker = plane.submitted()
    plane.executor.tell(worker.handle, JobState.RUNNING, attempt=1)
    plane.turn("sweep")
    assert plane.job(worker.job_id).state == "running"
    assert worker.start(1).status_code == 200
    assert plane.video(video_id).status == "PROCESSING"
    assert plane.call("GET", f"/media/videos/{video_id}/progress").json()["status"] == "PROCESSING"
    assert plane.fetch("SELECT attempt FROM job_attempts") == [(1,)]


def test_a_start_before_the_handle_was_written_down_brings_it(plane: Plane):
    _, job_id = plane.uploaded()
    worker = Worker(plane, job_id)
    assert worker.start(1).status_code == 200
    assert plane.job(job_id).handle == worker.handle
    plane.turn("dispatcher")
    assert plane.executor.submitted == [], "it is not submitted a second time"


def test_a_handle_of_another_job_is_not_taken(plane: Plane):
    _, first = plane.submitted()
    _, second_id = plane.uploaded()
    reply = Worker(plane, second_id).call("start", 1, handle=first.handle)
    assert (reply.status_code, reply.json()["reason"]) == (409, "not_this_jobs_handle")


@pytest.mark.parametrize("name", ["start", "uploads", "finish", "fail"])
def test_a_stale_attempt_is_refused(plane: Plane, name: str):
    video_id, worker = plane.submitted()
    worker.start(1)
    worker.start(2)
    worker.store_outputs(1)
    body = BODIES[name]
    reply = worker.call(name, 1, **body)
    assert (reply.status_code, reply.json()["reason"]) == (409, "attempt_is_stale")
    assert plane.video(video_id).status == "PROCESSING"
    assert plane.job(worker.job_id).attempt == 2
    rows = plane.fetch("SELECT attempt, ending FROM job_attempts ORDER BY attempt")
    assert rows == [(1, "retry"), (2, None)]


@pytest.mark.parametrize("name", ["start", "uploads", "finish", "fail"])
def test_a_foreign_handle_and_an_ended_job_are_refused(plane: Plane, name: str):
    _, worker = plane.submitted()
    worker.start(1)
    body = BODIES[name]
    foreign = worker.call(name, 1, **body, handle="another")
    assert (foreign.status_code, foreign.json()["reason"]) == (409, "not_this_jobs_handle")
    plane.call("POST", f"/jobs/{worker.job_id}/cancel")
    ended = worker.call(name, 2, **body)
    assert (ended.status_code, ended.json()["reason"]) == (409, "job_has_ended")


@pytest.mark.parametrize("name", ["start", "uploads", "finish", "fail"])
@pytest.mark.parametrize("bearer", ["none", "a user's", "another job's", "another secret's", "expired"])
def test_only_the_jobs_own_token_opens_its_calls(plane: Plane, name: str, bearer: str):
    _, worker = plane.submitted()
    key = JobKey(TenantId(TENANT), worker.job_id)
    tokens = {
        "none": ("x", 401),
        "a user's": (token(), 401),
        "another job's": (mint_job_token(JobKey(key.tenant_id, uuid4()), secret=JOB_SECRET), 403),
        "another secret's": (mint_job_token(key, secret="x" * 40), 401),
        "expired": (expired_token(key), 401),
    }
    text, status = tokens[bearer]
    reply = plane.http.post(
        f"/api/v1/internal/jobs/{worker.job_id}/{name}",
        json={"attempt": 1, "handle": worker.handle},
        headers={"Authorization": f"Bearer {text}"},
    )
    assert reply.status_code == status, reply.text


def expired_token(key: JobKey) -> str:
    claims = {"sub": str(key.job_id), "tenant_id": key.tenant_id, "aud": "job", "exp": 1}
    return jwt.encode(claims, JOB_SECRET, algorithm="HS256")


def test_a_jobs_token_opens_none_of_the_users_calls(plane: Plane):
    _, worker = plane.submitted()
    text = mint_job_token(JobKey(TenantId(TENANT), worker.job_id), secret=JOB_SECRET)
    reply = plane.http.get("/api/v1/jobs", headers={"Authorization": f"Bearer {text}"})
    assert reply.status_code == 401


def test_uploads_are_signed_below_the_attempts_own_prefix(plane: Plane):
    _, worker = plane.submitted()
    early = worker.call("uploads", 1, files=FILES)
    assert (early.status_code, early.json()["reason"]) == (409, "attempt_not_started")
    worker.start(1)
    (signed,) = worker.call("uploads", 1, files=FILES).json()["files"]
    assert httpx.put(signed["url"], content=b"abc", headers=signed["headers"]).status_code == 200
    assert list(plane.services.store.list_keys(worker.prefix(1))) == [worker.prefix(1) + "v1/00000.m4s"]


@pytest.mark.parametrize("path", ["../x.m4s", "/x.m4s", "a//b.m4s", "a/../../b.m4s", ".hidden", "a\\b", "a b", ""])
def test_no_path_leads_out_of_the_prefix(plane: Plane, path: str):
    _, worker = plane.submitted()
    worker.start(1)
    reply = worker.call("uploads", 1, files=[{**FILES[0], "path": path}])
    assert (reply.status_code, reply.json()["reason"]) == (422, "request_invalid")


def test_finish_publishes_in_one_step_and_hears_yes_again(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    worker.store_outputs(1)
    replies = [worker.finish(1) for _ in range(2)]
    assert [reply.json() for reply in replies] == [{"state": "succeeded"}] * 2
    video, job = plane.video(video_id), plane.job(worker.job_id)
    assert (video.status, video.published_job_id, video.duration_s) == ("READY", worker.job_id, 60.0)
    assert video.hls_path == worker.prefix(1) + "master.m3u8"
    assert job.outcome is not None
    assert job.outcome["encoder"] == "libx264"
    assert plane.fetch("SELECT ending, steps FROM job_attempts") == [
        ("succeeded", [{"name": "transcoding", "seconds": 1.5}])
    ]
    with plane.services.pool.connection() as connection:
        moves = [move.to_status for move in moves_of_video(connection, video_id)]
    assert moves == ["PENDING", "UPLOADED", "PROCESSING", "READY"]


def test_16_finishes_at_once_publish_once(plane: Plane):
    _, worker = plane.submitted()
    worker.start(1)
    worker.store_outputs(1)
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: worker.finish(1), range(16)))
    assert {reply.status_code for reply in replies} == {200}
    assert plane.fetch("SELECT count(*) FROM video_moves WHERE to_status = 'READY'") == [(1,)]


def test_finish_without_the_outputs_publishes_nothing(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    reply = worker.finish(1)
    assert (reply.status_code, reply.json()["reason"]) == (422, "outputs_missing")
    assert (plane.video(video_id).status, plane.job(worker.job_id).state) == ("PROCESSING", "running")


@pytest.mark.parametrize(
    "outcome", [{}, outcome_body(status="failed", reason="CORRUPT"), outcome_body(renditions=[]), outcome_body(extra=1)]
)
def test_finish_takes_only_a_ready_outcome_of_the_contract(plane: Plane, outcome: dict[str, object]):
    _, worker = plane.submitted()
    worker.start(1)
    worker.store_outputs(1)
    reply = worker.call("finish", 1, outcome=outcome)
    assert (reply.status_code, reply.json()["reason"]) == (422, "outcome_invalid")


def test_a_permanent_failure_ends_job_and_video_with_its_reason(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    steps = [{"name": "probing", "seconds": 0.5}]
    assert worker.fail(1, "TRUNCATED", steps=steps).json() == {"state": "failed"}
    assert worker.fail(1, "TRUNCATED", steps=steps).json() == {"state": "failed"}, "its answer may have been lost"
    video, job = plane.video(video_id), plane.job(worker.job_id)
    assert (video.status, video.error_reason, job.reason) == ("FAILED", "TRUNCATED", "TRUNCATED")
    assert plane.fetch("SELECT ending, reason, steps FROM job_attempts") == [("failed", "TRUNCATED", steps)]


def test_a_transient_failure_is_kept_and_told_when_no_attempt_is_left(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    assert worker.fail(1, "STORAGE_UNAVAILABLE", permanent=False).json() == {"state": "running"}
    assert plane.video(video_id).status == "PROCESSING"
    plane.executor.tell(worker.handle, JobState.FAILED, attempt=1, exit_codes=[75])
    plane.turn("sweep")
    video = plane.video(video_id)
    assert (video.status, video.error_reason) == ("FAILED", "STORAGE_UNAVAILABLE")


def test_a_reason_that_is_not_in_the_list_is_refused(plane: Plane):
    _, worker = plane.submitted()
    worker.start(1)
    reply = worker.fail(1, "BAD_MOOD")
    assert (reply.status_code, reply.json()["reason"]) == (422, "reason_unknown")
