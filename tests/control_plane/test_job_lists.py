"""Lists of jobs for whoever has to act on them: why they wait, and which failed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from pipeline.errors import Unavailable
from pipeline.execution.stuck.explanation import Cause, Explanation
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.plane import OTHER, TENANT, Plane, Worker

CLOSED = Explanation(Cause.QUEUE_CLOSED, "The queue video is DISABLED: http://s3/b/k?X-Amz-Signature=abc", "Enable it")


def waiting(plane: Plane, **more: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = plane.call("GET", "/jobs/stuck", **more).json()["items"]
    return items


def failed(plane: Plane, reason: str = "WORKER_KILLED") -> Worker:
    _, worker = plane.submitted()
    worker.start(1)
    worker.fail(1, reason)
    return worker


def listed(plane: Plane, **filters: Any) -> list[str]:
    reply = plane.call("GET", "/jobs", params={"state": "failed", **filters})
    assert reply.status_code == 200, reply.text
    return [item["id"] for item in reply.json()["items"]]


def test_jobs_that_wait_are_told_with_why_and_those_that_run_are_not(plane: Plane):
    _, first = plane.submitted()
    _, running = plane.submitted()
    running.start(1)
    _, lost = plane.submitted()
    plane.executor.explanations[first.handle] = CLOSED
    stuck = waiting(plane)
    assert [item["id"] for item in stuck] == [str(first.job_id), str(lost.job_id)], "longest first"
    assert stuck[0]["why"]["cause"] == "queue_closed"
    assert stuck[0]["why"]["needs_a_person"]
    assert "X-Amz-Signature" not in str(stuck)
    assert stuck[0]["waits_for_s"] >= 0
    assert stuck[1]["why"]["cause"] == "job_unknown"
    assert waiting(plane, tenant=OTHER) == []


def test_a_job_that_has_begun_meanwhile_is_left_out(plane: Plane):
    _, worker = plane.submitted()
    plane.executor.explanations[worker.handle] = Explanation(Cause.BEGUN, "it runs")
    assert waiting(plane) == []


def test_a_job_that_the_executor_did_not_take_says_what_it_said(plane: Plane):
    plane.uploaded()
    assert waiting(plane)[0]["why"]["detail"] == "The dispatcher has not come to it yet."
    plane.executor.failure = Unavailable("executor_unavailable", "SubmitJob: AccessDenied")
    plane.turn("dispatcher")
    (item,) = waiting(plane)
    assert item["why"]["cause"] == "not_submitted"
    assert "tried once" in item["why"]["detail"]
    assert "AccessDenied" in item["why"]["detail"]


def test_a_job_that_joins_waits_for_what_its_arrays_children_wait_for(plane: Plane):
    _, worker = plane.submitted()
    plane.fetch("UPDATE jobs SET parts = 2, array_handle = 'a' WHERE id = %s RETURNING id", worker.job_id)
    plane.executor.explanations[worker.handle] = Explanation(Cause.AFTER_ANOTHER_JOB, "after a")
    (item,) = waiting(plane)
    assert item["why"]["detail"] == "after a", "of an array that is not described yet"

    plane.executor.tell("a", JobState.PENDING, attempt=1)
    plane.executor.tell("a:0", JobState.RUNNABLE, attempt=1)
    plane.executor.explanations["a:0"] = CLOSED
    children = {JobState.SUCCEEDED: 3, JobState.RUNNABLE: 1}
    plane.executor.reports["a"] = replace(plane.executor.reports["a"], children=children)
    (item,) = waiting(plane)
    assert item["why"]["cause"] == "queue_closed"
    assert "Its parts are made first: 3 succeeded, 1 runnable. The queue video is DISABLED" in item["why"]["detail"]

    children = {JobState.RUNNING: 1, JobState.RUNNABLE: 1}
    plane.executor.reports["a"] = replace(plane.executor.reports["a"], children=children)
    (item,) = waiting(plane)
    assert (item["why"]["cause"], item["why"]["needs_a_person"]) == ("after_another_job", False)


def test_a_short_video_goes_before_a_long_one_of_its_tenant_also_when_it_is_made_again(plane: Plane):
    """The long one's array has the priority of the job that joins it."""
    for length_s, priority in ((60.0, 400), (1500.0, 200)):
        plane.probe.duration_s = length_s
        _, worker = plane.submitted()
        worker.start(1)
        worker.fail(1)
        again = plane.call("POST", f"/jobs/{worker.job_id}/resubmit").json()
        assert again["priority"] == priority
        plane.turn("dispatcher")
    assert [(s.share, s.priority) for s in plane.executor.submitted] == [(TENANT, p) for p in (400,) * 2 + (200,) * 4]
    _, worker = plane.submitted()
    worker.start(1)
    worker.fail(1)
    plane.call("POST", f"/media/videos/{plane.job(worker.job_id).asset_id}/retry")
    plane.turn("dispatcher")
    assert plane.executor.submitted[-1].priority == 200


def test_an_executor_that_is_away_is_the_explanation_not_an_error(plane: Plane):
    plane.submitted()
    plane.executor.failure = Unavailable("executor_unavailable", "away")
    (item,) = waiting(plane)
    assert (item["why"]["cause"], "away" in item["why"]["detail"]) == ("executor_silent", True)


def test_waiting_jobs_come_in_pages(plane: Plane):
    ids = [str(plane.submitted()[1].job_id) for _ in range(3)]
    first = plane.call("GET", "/jobs/stuck", params={"limit": 2}).json()
    second = plane.call("GET", "/jobs/stuck", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["id"] for item in first["items"] + second["items"]] == ids
    assert second["next_cursor"] is None


def test_failed_jobs_are_found_by_reason_and_by_when_they_ended(plane: Plane):
    killed, broken = failed(plane), failed(plane, "VERIFY_FAILED")
    plane.fetch("UPDATE jobs SET ended_at = now() - interval '2 days' WHERE id = %s RETURNING id", broken.job_id)
    day_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert listed(plane) == [str(broken.job_id), str(killed.job_id)]
    assert listed(plane, reason="WORKER_KILLED") == [str(killed.job_id)]
    assert listed(plane, ended_since=day_ago) == [str(killed.job_id)]
    assert listed(plane, ended_until=day_ago) == [str(broken.job_id)]
    assert listed(plane, ended_since=day_ago, reason="VERIFY_FAILED") == []


def test_a_failed_job_whose_work_was_given_to_another_is_not_the_newest(plane: Plane):
    first, second = failed(plane), failed(plane)
    assert plane.call("POST", f"/jobs/{first.job_id}/resubmit").status_code == 202
    assert listed(plane, newest="true") == [str(second.job_id)]
    assert listed(plane) == [str(second.job_id), str(first.job_id)]


def test_failed_jobs_say_what_a_resubmit_would_be_answered(plane: Plane):
    """An old stream plays on where a video was made again and failed."""
    plain = failed(plane)
    video_id, ready = plane.ready()
    again = Worker(plane, UUID(plane.call("POST", f"/jobs/{ready.job_id}/resubmit", json={"force": True}).json()["id"]))
    plane.turn("dispatcher")
    again.start(1)
    again.fail(1, "WORKER_KILLED")
    elsewhere = plane.call("GET", "/jobs/failed", tenant=OTHER).json()
    assert elsewhere == {"items": [], "next_cursor": None}
    items = plane.call("GET", "/jobs/failed", params={"reason": "WORKER_KILLED"}).json()["items"]
    assert [item["id"] for item in items] == [str(again.job_id), str(plain.job_id)]
    for item in items:
        reply = plane.call("POST", f"/jobs/{item['id']}/resubmit")
        refused = reply.json() if reply.status_code != 202 else None
        assert item["refusal"] == (refused and {"reason": refused["reason"], "detail": refused["detail"]})
    assert items[0]["refusal"] is not None
    assert str(video_id) in items[0]["refusal"]["detail"]
    assert plane.call("GET", "/jobs/failed").json()["items"] == items[:1], "the other's work is another job's now"


def test_a_job_or_a_video_is_found_by_the_first_characters_of_its_id_however_old_it_is(plane: Plane):
    video_id, worker = plane.submitted()
    plane.submitted()
    for path, identifier in (("/jobs", worker.job_id), ("/media/videos", video_id)):
        for start in (identifier.hex[:8], identifier.hex):
            params = {"id_start": start, "limit": 1}
            (item,) = plane.call("GET", path, params=params).json()["items"]
            assert item["id"] == str(identifier)
            assert plane.call("GET", path, tenant=OTHER, params=params).json()["items"] == []
        for wrong in ("abc", "5d1e-77c0", "nope", "A" * 8, "0" * 33):
            reply = plane.call("GET", path, params={"id_start": wrong})
            assert (reply.status_code, reply.json()["reason"]) == (422, "request_invalid"), wrong


@pytest.mark.parametrize("since", ["yesterday", "2026-03-02T09:00:00"])
def test_a_time_without_a_zone_is_refused(plane: Plane, since: str):
    reply = plane.call("GET", "/jobs", params={"ended_since": since})
    assert (reply.status_code, reply.json()["reason"]) == (422, "request_invalid")
