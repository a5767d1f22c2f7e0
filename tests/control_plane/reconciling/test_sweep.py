"""The sweep: nothing finished is lost, nothing lost is waited for."""

import pytest

from pipeline.errors import Unavailable
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.outcomes import outcome_json
from tests.control_plane.plane import Plane


def test_the_sweep_publishes_what_finished_while_nobody_listened(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    worker.store_outputs(1)
    plane.executor.tell(worker.handle, JobState.SUCCEEDED, attempt=1, exit_codes=[0])
    plane.turn("sweep")
    assert (plane.video(video_id).status, plane.job(worker.job_id).state) == ("READY", "succeeded")
    assert worker.finish(1).json() == {"state": "succeeded"}
    assert plane.fetch("SELECT ending, exit_code FROM job_attempts") == [("succeeded", 0)]


def test_what_an_older_attempt_had_finished_is_published_when_those_after_it_came_to_nothing(plane: Plane):
    video_id, worker = plane.submitted()
    for attempt in (1, 2, 3):
        worker.start(attempt)
        if attempt < 3:
            worker.store_outputs(attempt)
    plane.executor.tell(worker.handle, JobState.RUNNING, attempt=3, exit_codes=[137, 137])
    plane.turn("sweep")
    assert plane.video(video_id).status == "PROCESSING", "the newest attempt may still end well"

    plane.executor.tell(worker.handle, JobState.FAILED, attempt=3, exit_codes=[137, 137, 137], why="Host EC2 (i) gone")
    plane.turn("sweep")
    job = plane.job(worker.job_id)
    assert (job.state, job.attempt, job.reason) == ("succeeded", 2, None), "the newest of several"
    assert plane.video(video_id).hls_path == worker.prefix(2) + "master.m3u8"
    assert worker.finish(3).json()["reason"] == "job_has_ended"
    endings = plane.fetch("SELECT attempt, ending FROM job_attempts ORDER BY attempt")
    assert endings == [(1, "retry"), (2, "retry"), (3, "failed")]


def test_what_an_attempt_said_for_good_is_believed_whatever_one_before_it_has_made(plane: Plane):
    video_id, worker = plane.submitted()
    for attempt in (1, 2):
        worker.start(attempt)
        worker.store_outputs(attempt, outcome='{"status": "failed", "reason": "ENCRYPTED"}' if attempt == 2 else None)
    plane.executor.tell(worker.handle, JobState.FAILED, attempt=2, exit_codes=[137, 65])
    plane.turn("sweep")
    assert plane.video(video_id).error_reason == "ENCRYPTED"


@pytest.mark.parametrize("outcome", [None, "not json", "{}", outcome_json(status="ready", renditions=[])])
def test_success_without_a_readable_outcome_is_a_failure(plane: Plane, outcome: str | None):
    video_id, worker = plane.submitted()
    worker.start(1)
    if outcome is not None:
        worker.store_outputs(1, outcome=outcome)
    plane.executor.tell(worker.handle, JobState.SUCCEEDED, attempt=1, exit_codes=[0])
    plane.turn("sweep")
    assert plane.video(video_id).error_reason == "OUTCOME_MISSING"


def test_an_outcome_without_its_playlist_is_not_published(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    body = outcome_json().encode()
    plane.services.store.write(worker.prefix(1) + "outcome.json", body, content_type="application/json")
    plane.executor.tell(worker.handle, JobState.SUCCEEDED, attempt=1, exit_codes=[0])
    plane.turn("sweep")
    assert plane.video(video_id).status == "FAILED"


def test_a_failed_outcome_that_nobody_heard_gives_its_reason(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    body = '{"status": "failed", "reason": "ENCRYPTED"}'
    plane.services.store.write(worker.prefix(1) + "outcome.json", body.encode(), content_type="application/json")
    plane.executor.tell(worker.handle, JobState.FAILED, attempt=1, exit_codes=[65])
    plane.turn("sweep")
    assert plane.video(video_id).error_reason == "ENCRYPTED"


def test_a_killed_attempt_is_repeated_and_its_exit_code_kept(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    plane.executor.tell(worker.handle, JobState.RUNNABLE, attempt=2, exit_codes=[137], why="killed")
    plane.turn("sweep")
    job = plane.job(worker.job_id)
    assert (job.attempt, job.state) == (2, "runnable")
    assert plane.fetch("SELECT ending, exit_code, detail FROM job_attempts") == [("retry", 137, "killed")]
    worker.publish(2)
    assert plane.video(video_id).hls_path == worker.prefix(2) + "master.m3u8"


def test_an_exit_code_that_comes_after_the_jobs_end_is_kept(plane: Plane):
    _, worker = plane.submitted()
    worker.start(1)
    worker.fail(1)
    plane.turn("sweep")
    plane.executor.tell(worker.handle, JobState.FAILED, attempt=1, exit_codes=[65])
    plane.turn("sweep")
    assert plane.fetch("SELECT exit_code FROM job_attempts") == [(65,)]


def test_a_job_that_the_executor_has_lost_fails_but_not_in_its_first_seconds(plane: Plane):
    video_id, _ = plane.submitted()
    plane.executor.reports.clear()
    plane.turn("sweep")
    assert plane.video(video_id).status == "UPLOADED"
    plane.fetch("UPDATE jobs SET submitted_at = now() - interval '1 minute' RETURNING 1")
    plane.turn("sweep")
    assert plane.video(video_id).error_reason == "JOB_LOST"


def test_a_store_that_is_away_loses_nothing(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    video_id, worker = plane.submitted()
    worker.start(1)
    worker.store_outputs(1)
    plane.executor.tell(worker.handle, JobState.SUCCEEDED, attempt=1, exit_codes=[0])

    def away(*_: object, **__: object) -> None:
        raise Unavailable("storage_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(plane.services.store, "read", away)
        with pytest.raises(Unavailable):
            plane.turn("sweep")
    assert plane.video(video_id).status == "PROCESSING"
    plane.turn("sweep")
    assert plane.video(video_id).status == "READY"


def test_an_outcome_that_cannot_be_read_keeps_no_other_job_from_its_end(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    ended = sorted((plane.submitted() for _ in range(3)), key=lambda each: each[1].job_id)
    for _, worker in ended:
        worker.start(1)
        worker.store_outputs(1)
        plane.executor.tell(worker.handle, JobState.SUCCEEDED, attempt=1, exit_codes=[0])
    (first, worker), *others = ended
    read, prefix = plane.services.store.read, worker.prefix(1)

    def read_others(key: str, *, limit_bytes: int) -> bytes | None:
        if key.startswith(prefix):
            raise Unavailable("storage_unavailable", "this one")
        return read(key, limit_bytes=limit_bytes)

    monkeypatch.setattr(plane.services.store, "read", read_others)
    with pytest.raises(Unavailable, match="this one"):
        plane.turn("sweep")
    assert plane.video(first).status == "PROCESSING"
    assert [plane.video(video_id).status for video_id, _ in others] == ["READY", "READY"]


def test_a_sweep_that_brings_nothing_new_changes_no_row(plane: Plane):
    _, worker = plane.submitted()
    worker.start(1)
    plane.executor.tell(worker.handle, JobState.RUNNING, attempt=1)
    before = plane.job(worker.job_id)
    plane.turn("sweep")
    assert plane.job(worker.job_id) == before
