"""What waits is submitted: once, in turns, and whatever fails keeps nothing else waiting."""

import threading
from dataclasses import replace
from uuid import UUID

import pytest

from control_plane.dispatch.dispatcher import MOST_ERRORS, submission_of
from pipeline.contracts.devices import DecoderWish, EncoderWish
from pipeline.database.jobs_of_all_tenants import lock_next_to_dispatch
from pipeline.errors import PermanentError, Unavailable
from pipeline.execution.executor import Submission
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.plane import Plane


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
