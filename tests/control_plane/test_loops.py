"""Dispatcher and sweep: nothing is submitted twice, nothing finished is lost, nothing lost is waited for."""

import threading
from dataclasses import replace
from threading import Event
from uuid import UUID

import pytest

from control_plane.background import LONGEST_PAUSE_S, Background, Chore, pause_after_failure_s
from control_plane.dispatch.dispatcher import MOST_ERRORS, submission_of
from pipeline.contracts.devices import DecoderWish, EncoderWish
from pipeline.database.jobs_of_all_tenants import lock_next_to_dispatch
from pipeline.errors import PermanentError, Unavailable
from pipeline.execution.executor import Submission
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.plane import Plane, outcome_json
from tests.fixtures.waiting import wait_for


def test_a_job_is_submitted_once_under_its_own_name_with_what_it_needs(plane: Plane):
    _, job_id = plane.uploaded()
    for _ in range(3):
        plane.turn("dispatcher")
    (submission,) = plane.executor.submitted
    settings = plane.services.settings
    assert submission.name == str(job_id)
    environment = dict(submission.environment)
    assert environment.pop("JOB_TOKEN").count(".") == 2
    assert settings.job_redis_url is not None
    assert environment == {
        "JOB_ID": str(job_id),
        "CONTROL_PLANE_URL": "http://academy.test",
        "FINISH_PATIENCE_S": "60.0",
        "REDIS_URL": settings.job_redis_url.get_secret_value(),
    }
    assert plane.job(job_id).handle == f"handle-{job_id}"


def test_what_jobs_are_to_use_and_to_measure_is_handed_on(plane: Plane):
    wished = {"encoder": EncoderWish.NVENC, "decoder": DecoderWish.AUTO, "cpu_fallback": False, "quality": "vmaf"}
    settings = plane.services.settings.model_copy(update=wished)
    _, job_id = plane.uploaded()
    with plane.services.pool.connection() as connection:
        job = lock_next_to_dispatch(connection)
    assert job is not None
    assert job.id == job_id
    environment = submission_of(replace(plane.services, settings=settings), job).environment
    assert {name: environment[name] for name in ("ENCODER", "DECODER", "CPU_FALLBACK", "QUALITY")} == {
        "ENCODER": "nvenc",
        "DECODER": "auto",
        "CPU_FALLBACK": "0",
        "QUALITY": "vmaf",
    }


def test_a_tenants_many_videos_are_submitted_in_turn_with_those_of_others(plane: Plane):
    many = [plane.uploaded(tenant="hagwon-2")[1] for _ in range(3)]
    late = [plane.uploaded(tenant=tenant)[1] for tenant in ("hagwon-1", "hagwon-3")]
    plane.turn("dispatcher")
    order = [UUID(submission.name) for submission in plane.executor.submitted]
    assert order == [late[0], many[0], late[1], many[1], many[2]]


def test_a_job_that_a_dead_dispatcher_had_submitted_is_found_and_not_submitted_again(plane: Plane):
    _, job_id = plane.uploaded()
    plane.executor.tell(f"handle-{job_id}", JobState.RUNNABLE, attempt=1)
    plane.turn("dispatcher")
    assert plane.executor.submitted == []
    assert plane.job(job_id).handle == f"handle-{job_id}"


def test_four_dispatchers_at_once_submit_each_job_once(plane: Plane):
    jobs = [plane.uploaded()[1] for _ in range(6)]
    threads = [threading.Thread(target=plane.turn, args=("dispatcher",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(s.name for s in plane.executor.submitted) == sorted(map(str, jobs))


def test_an_executor_that_is_away_is_asked_again_later(plane: Plane):
    _, job_id = plane.uploaded()
    plane.executor.failure = Unavailable("executor_unavailable", "away")
    plane.turn("dispatcher")
    job = plane.job(job_id)
    assert (job.state, job.handle, job.dispatch_tries) == ("submitted", None, 1)
    plane.executor.failure = None
    plane.turn("dispatcher")
    assert plane.executor.submitted == [], "not before its back-off is over"
    plane.fetch("UPDATE jobs SET dispatch_after = now() RETURNING 1")
    plane.turn("dispatcher")
    assert len(plane.executor.submitted) == 1


def test_a_job_that_the_executor_refuses_fails_with_its_video(plane: Plane):
    video_id, job_id = plane.uploaded()
    plane.executor.failure = PermanentError("SUBMIT_REFUSED", "no such queue")
    plane.turn("dispatcher")
    assert (plane.job(job_id).state, plane.job(job_id).reason) == ("failed", "SUBMIT_REFUSED")
    assert (plane.video(video_id).status, plane.video(video_id).error_reason) == ("FAILED", "SUBMIT_REFUSED")


def test_a_job_that_the_executor_breaks_over_waits_alone(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    (_, broken), (_, behind) = plane.uploaded(), plane.uploaded()
    submit = plane.executor.submit

    def break_over_one(submission: Submission) -> str:
        if submission.name == str(broken):
            raise RuntimeError("what nobody foresaw,\0 at http://s3/key?X-Amz-Signature=abc")
        return submit(submission)

    monkeypatch.setattr(plane.executor, "submit", break_over_one)
    plane.turn("dispatcher")
    assert [s.name for s in plane.executor.submitted] == [str(behind)]
    job = plane.job(broken)
    assert (job.state, job.handle, job.dispatch_tries, job.dispatch_errors) == ("submitted", None, 1, 1)
    assert "what nobody foresaw" in job.detail
    assert "Signature=abc" not in job.detail, "a signed address is as good as a password"
    plane.turn("dispatcher")
    assert plane.job(broken).dispatch_tries == 1, "not before its back-off is over"
    monkeypatch.undo()
    plane.fetch("UPDATE jobs SET dispatch_after = now() RETURNING 1")
    plane.turn("dispatcher")
    assert plane.job(broken).handle == f"handle-{broken}"


def test_a_job_whose_handle_postgres_refuses_waits_alone(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    """A statement that breaks takes its transaction with it, and so what would have been written of the error."""
    _, worker = plane.submitted()
    (_, broken), (_, behind) = plane.uploaded(), plane.uploaded()
    submit = plane.executor.submit

    def mistaken(submission: Submission) -> str:
        return worker.handle if submission.name == str(broken) else submit(submission)

    monkeypatch.setattr(plane.executor, "submit", mistaken)
    plane.turn("dispatcher")
    assert plane.job(behind).handle == f"handle-{behind}"
    assert (plane.job(broken).handle, plane.job(broken).dispatch_errors) == (None, 1)
    assert "UniqueViolation" in plane.job(broken).detail
    (item,) = (item for item in plane.call("GET", "/jobs/stuck").json()["items"] if item["id"] == str(broken))
    assert (item["why"]["cause"], item["why"]["needs_a_person"]) == ("breaks", True)
    assert f"After {MOST_ERRORS} errors the job fails, and this is number 1: UniqueViolation" in item["why"]["detail"]


def test_a_job_that_cannot_even_be_failed_waits_alone(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    (_, broken), (_, behind) = plane.uploaded(), plane.uploaded()
    plane.fetch("UPDATE jobs SET dispatch_tries = 100, dispatch_errors = 100 WHERE id = %s RETURNING 1", broken)
    submit = plane.executor.submit

    def break_over_one(submission: Submission) -> str:
        if submission.name == str(broken):
            raise RuntimeError("a bug")
        return submit(submission)

    def not_failed(*_: object) -> None:
        raise AssertionError("its video is gone")

    monkeypatch.setattr(plane.executor, "submit", break_over_one)
    monkeypatch.setattr("control_plane.dispatch.dispatcher.fail_job", not_failed)
    plane.turn("dispatcher")
    assert plane.job(behind).handle == f"handle-{behind}"
    assert (plane.job(broken).state, plane.job(broken).dispatch_errors) == ("submitted", 101)


def test_a_job_that_the_executor_breaks_over_again_and_again_fails_with_its_video(plane: Plane):
    video_id, job_id = plane.uploaded()
    plane.executor.failure = RuntimeError("a bug")
    for tries in range(1, MOST_ERRORS):
        plane.turn("dispatcher")
        assert (plane.job(job_id).state, plane.job(job_id).dispatch_tries) == ("submitted", tries)
        plane.fetch("UPDATE jobs SET dispatch_after = now() RETURNING 1")
    plane.turn("dispatcher")
    assert (plane.job(job_id).state, plane.job(job_id).reason) == ("failed", "INTERNAL_ERROR")
    assert (plane.video(video_id).status, plane.video(video_id).error_reason) == ("FAILED", "INTERNAL_ERROR")


def test_an_executor_that_was_away_for_long_may_still_break_once(plane: Plane):
    _, job_id = plane.uploaded()
    plane.fetch("UPDATE jobs SET dispatch_tries = 5000 RETURNING 1")
    for failure in (Unavailable("executor_unavailable", "away"), RuntimeError("a bug")):
        plane.executor.failure = failure
        plane.turn("dispatcher")
        plane.fetch("UPDATE jobs SET dispatch_after = now() RETURNING 1")
    job = plane.job(job_id)
    assert (job.state, job.dispatch_tries, job.dispatch_errors) == ("submitted", 5002, 1)


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


def test_a_job_that_cannot_be_terminated_keeps_no_other_one_running(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    # A round takes up all that wait, not the oldest only, which may be those that fail.
    monkeypatch.setattr("control_plane.dispatch.terminations.AT_ONCE", 1)
    (_, first), (_, second), (_, third) = plane.submitted(), plane.submitted(), plane.submitted()
    for worker in (first, second, third):
        assert plane.call("POST", f"/jobs/{worker.job_id}/cancel").status_code == 200
    cancel = plane.executor.cancel

    def cancel_others(handle: str, reason: str) -> None:
        if handle == first.handle:
            raise PermanentError("SUBMIT_REFUSED", "TerminateJob: this one")
        cancel(handle, reason)

    monkeypatch.setattr(plane.executor, "cancel", cancel_others)
    with pytest.raises(PermanentError, match="this one"):
        plane.turn("terminations")
    assert [handle for handle, _ in plane.executor.cancelled] == [second.handle, third.handle]
    assert plane.job(first.job_id).terminated_at is None


def test_a_sweep_that_brings_nothing_new_changes_no_row(plane: Plane):
    _, worker = plane.submitted()
    worker.start(1)
    plane.executor.tell(worker.handle, JobState.RUNNING, attempt=1)
    before = plane.job(worker.job_id)
    plane.turn("sweep")
    assert plane.job(worker.job_id) == before


def test_outputs_that_nobody_plays_are_deleted_and_sources_never(plane: Plane):
    video_id, worker = plane.submitted()
    worker.start(1)
    worker.store_outputs(1)
    worker.publish(2)
    source = plane.video(video_id).source_key
    plane.turn("abandoned")
    assert list(plane.services.store.list_keys(worker.prefix(1))), "not within its grace"
    plane.fetch("UPDATE videos SET updated_at = now() - interval '2 days' RETURNING 1")
    plane.fetch("UPDATE jobs SET ended_at = now() - interval '2 days' RETURNING 1")
    plane.fetch("UPDATE job_attempts SET ended_at = now() - interval '2 days' RETURNING 1")
    plane.turn("abandoned")
    assert list(plane.services.store.list_keys(worker.prefix(1))) == []
    assert len(list(plane.services.store.list_keys(worker.prefix(2)))) == 2
    assert plane.services.store.find(source) is not None


def test_a_prefix_that_cannot_be_deleted_keeps_no_other_one_and_is_tried_again(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
):
    # A round takes up all that wait, not the oldest only, which may be those that fail.
    monkeypatch.setattr("control_plane.reconciling.abandoned.AT_ONCE", 1)
    workers = [plane.submitted()[1] for _ in range(3)]
    for worker in workers:
        worker.start(1)
        worker.store_outputs(1)
        worker.fail(1)
    plane.fetch("UPDATE videos SET updated_at = now() - interval '2 days' RETURNING 1")
    plane.fetch("UPDATE jobs SET ended_at = now() - interval '2 days' RETURNING 1")
    for age, worker in enumerate(reversed(workers), start=2):
        plane.fetch(
            "UPDATE job_attempts SET ended_at = now() - make_interval(days => %s) WHERE job_id = %s RETURNING 1",
            age,
            worker.job_id,
        )

    def left() -> list[bool]:
        return [bool(list(plane.services.store.list_keys(worker.prefix(1)))) for worker in workers]

    delete, broken = plane.services.store.delete_prefix, workers[0].prefix(1)

    def delete_others(prefix: str) -> int:
        if prefix == broken:
            raise Unavailable("storage_refused", "this one")
        return delete(prefix)

    with monkeypatch.context() as patch:
        patch.setattr(plane.services.store, "delete_prefix", delete_others)
        with pytest.raises(Unavailable, match="this one"):
            plane.turn("abandoned")
    assert left() == [True, False, False]
    plane.turn("abandoned")
    assert left() == [False, False, False]


def test_the_pause_after_a_failure_grows_and_makes_no_rare_chore_a_frequent_one():
    assert [pause_after_failure_s(pause_s, every_s=0.1) for pause_s in (0.1, 1.0, 20.0)] == [1.0, 2.0, LONGEST_PAUSE_S]
    assert pause_after_failure_s(600.0, every_s=600.0) == 600.0


def test_a_loop_outlives_an_error_and_is_woken_at_once():
    rounds: list[int] = []
    failed = Event()

    def work(_stopping: Event) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            failed.set()
            raise RuntimeError("a bug")

    with Background() as background:
        background.start(Chore("chore", 3600, work))
        assert failed.wait(5)
        background.wake("chore")
        wait_for(lambda: len(rounds) > 1, "a second round")
        background.wake("unknown")
    assert not [thread for thread in threading.enumerate() if thread.name == "chore"]
