"""What /metrics shows of jobs, queues and the API: each thing once, of all tenants together, to the operator only."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from control_plane.metrics.gauges import PROMPTLY_S
from pipeline.errors import PermanentError, Unavailable
from pipeline.lifecycle.job_state import JobState
from pipeline.metrics.catalog import METRICS
from pipeline.reasons import Reason
from tests.control_plane.omr.sheets import Desk, reading, refused
from tests.control_plane.outcomes import outcome_body
from tests.control_plane.plane import METRICS_TOKEN, OTHER, TENANT, Plane, token
from tests.control_plane.scraping import Growth, scrape, shown

USAGE = {"scratch_used_percent": 41.5, "peak_memory_bytes": 3 * 2**30, "cpu_s": 12.5}


def test_a_video_that_becomes_ready_is_told_once_however_often_its_finish_comes(plane: Plane, grown: Growth):
    _, worker = plane.submitted()
    worker.start(1)
    worker.store_outputs(1)
    steps = [{"name": "transcoding", "seconds": 15.0}, {"name": f"of-{TENANT}", "seconds": 1.0}]
    for _ in range(2):
        reply = worker.call("finish", 1, outcome=outcome_body(steps=steps), usage=USAGE)
        assert reply.status_code == 200
    plane.executor.tell(worker.handle, JobState.SUCCEEDED, attempt=1, exit_codes=[0])
    plane.turn("sweep")
    assert grown("academy_jobs_ended_total", kind="transcode", result="succeeded") == 1
    assert grown("academy_source_seconds_sum") == 60.0
    # A minute of source in 15 s.
    assert grown("academy_real_time_factor_sum") == 4.0
    assert grown("academy_step_seconds_sum", kind="transcode", step="transcoding") == 15.0
    for name in ("queue_seconds", "attempt_seconds", "cpu_seconds", "peak_memory_bytes", "scratch_used_percent"):
        assert grown(f"academy_{name}_count", kind="transcode") == 1, name
    assert grown("academy_cpu_seconds_sum", kind="transcode") == 12.5
    assert TENANT not in scrape(plane).text, "a worker's own names of steps are not passed on"


@pytest.mark.parametrize(("reason", "result"), [(Reason.TRUNCATED, "refused"), (Reason.VERIFY_FAILED, "failed")])
def test_a_failure_is_the_uploads_or_ours(plane: Plane, grown: Growth, reason: Reason, result: str):
    _, worker = plane.submitted()
    worker.start(1)
    assert worker.fail(1, reason, usage=USAGE).status_code == 200
    assert grown("academy_jobs_ended_total", kind="transcode", result=result) == 1
    assert grown("academy_job_failures_total", kind="transcode", reason=reason) == 1
    assert grown("academy_cpu_seconds_sum", kind="transcode") == 12.5


@pytest.mark.parametrize("seconds", ["1e999", "NaN", "-1"])
def test_a_step_takes_a_number_of_seconds(plane: Plane, seconds: str):
    """No line of figures could be read in which one is not."""
    _, worker = plane.submitted()
    worker.start(1)
    steps = f'[{{"name": "transcoding", "seconds": {seconds}}}]'
    body = f'{{"attempt": 1, "handle": "{worker.handle}", "reason": "CORRUPT", "permanent": true, "steps": {steps}}}'
    headers = {"Authorization": f"Bearer {worker.token}", "Content-Type": "application/json"}
    reply = plane.http.post(f"{worker.path}/fail", content=body, headers=headers)
    assert (reply.status_code, reply.json()["reason"]) == (422, "steps_invalid")


def test_a_cancelled_job_is_neither(plane: Plane, grown: Growth):
    _, worker = plane.submitted()
    plane.call("POST", f"/jobs/{worker.job_id}/cancel")
    assert grown("academy_jobs_ended_total", kind="transcode", result="cancelled") == 1
    assert grown("academy_jobs_ended_total", kind="transcode", result="failed") == 0
    assert grown("academy_attempt_seconds_count", kind="transcode") == 0, "no machine had it"


def test_a_job_that_the_executor_never_takes_has_failed_too(plane: Plane, grown: Growth):
    plane.uploaded()
    plane.executor.failure = PermanentError(Reason.SUBMIT_REFUSED, "no such queue")
    plane.turn("dispatcher")
    assert grown("academy_job_failures_total", kind="transcode", reason="SUBMIT_REFUSED") == 1


@pytest.mark.parametrize("last_words", [[Reason.TERMINATED], []], ids=["told to stop", "gone"])
def test_a_reclaimed_machine_is_told_once_whether_its_job_could_say_so_or_not(
    plane: Plane, grown: Growth, last_words: list[Reason]
):
    _, worker = plane.submitted()
    worker.start(1)
    for reason in last_words:
        for _ in range(2):
            worker.fail(1, reason, permanent=False, usage=USAGE)
    why = "Host EC2 (instance i-0abc) terminated."
    for _ in range(2):
        plane.executor.tell(worker.handle, JobState.RUNNABLE, attempt=2, exit_codes=[143], why=why)
        plane.turn("sweep")
    worker.publish(2)
    assert grown("academy_spot_reclaims_total", kind="transcode") == 1
    assert grown("academy_cpu_seconds_count", kind="transcode") == len(last_words)
    assert grown("academy_attempt_seconds_count", kind="transcode") == 2, "the lost attempt was paid for"
    assert grown("academy_queue_seconds_count", kind="transcode") == 1
    assert grown("academy_jobs_ended_total", kind="transcode", result="succeeded") == 1


def test_sheets_are_counted_with_those_that_a_person_has_to_look_at(plane: Plane, grown: Growth):
    Desk(plane).read(reading("a.jpg"), refused("b.jpg"), reading("c.jpg", marks="1-5"), reading("d.jpg"))
    assert grown("academy_sheets_total", result="read") == 3
    assert grown("academy_sheets_total", result="refused") == 1
    assert grown("academy_sheets_to_review_total") == 1


def test_waiting_and_silent_jobs_of_all_tenants_are_read_from_the_rows(plane: Plane):
    plane.submitted()
    _, waiting = plane.submitted(tenant=OTHER)
    plane.turn("gauges")
    assert shown(plane)["academy_jobs", (("kind", "transcode"), ("state", "submitted"))] == 2
    plane.executor.tell(waiting.handle, JobState.RUNNABLE, attempt=1)
    plane.turn("sweep")
    plane.turn("gauges")
    now = shown(plane)
    assert now["academy_jobs", (("kind", "transcode"), ("state", "submitted"))] == 1
    assert now["academy_jobs", (("kind", "transcode"), ("state", "runnable"))] == 1
    assert now["academy_silent_jobs", ()] == 0
    age(plane, "created_at = created_at - interval '1 hour'", waiting.job_id)
    age(plane, f"updated_at = now() - interval '{2 * PROMPTLY_S} seconds'")
    plane.turn("gauges")
    now = shown(plane)
    assert 3600 <= now["academy_oldest_waiting_seconds", (("kind", "transcode"),)] < 3700
    assert now["academy_oldest_waiting_seconds", (("kind", "omr"),)] == 0
    assert now["academy_silent_jobs", ()] == 1, "a job may wait half a day for capacity, but not for the executor"


def test_a_job_that_nobody_takes_is_silent_however_often_it_is_tried(plane: Plane):
    plane.uploaded()
    age(plane, f"created_at = now() - interval '{2 * PROMPTLY_S} seconds'")
    plane.executor.failure = Unavailable("executor_unavailable", "away")
    plane.turn("dispatcher")
    plane.turn("gauges")
    assert shown(plane)["academy_silent_jobs", ()] == 1


def test_a_cancel_that_the_executor_has_not_heard_of_is_silent(plane: Plane):
    _, worker = plane.submitted()
    plane.turn("gauges")
    plane.call("POST", f"/jobs/{worker.job_id}/cancel")
    age(plane, f"cancelled_at = now() - interval '{2 * PROMPTLY_S} seconds'")
    plane.turn("gauges")
    assert shown(plane)["academy_silent_jobs", ()] == 1
    plane.turn("terminations")
    plane.turn("gauges")
    now = shown(plane)
    assert now["academy_silent_jobs", ()] == 0
    assert now["academy_jobs", (("kind", "transcode"), ("state", "submitted"))] == 0, (
        "also where there is none any more"
    )


def age(plane: Plane, change: Any, job_id: object = None) -> None:
    with plane.services.pool.connection() as connection:
        connection.execute(f"UPDATE jobs SET {change} WHERE %(id)s::uuid IS NULL OR id = %(id)s", {"id": job_id})


def test_the_api_is_timed_for_people_and_for_jobs(plane: Plane, grown: Growth, monkeypatch: pytest.MonkeyPatch):
    _, worker = plane.submitted()
    people, jobs = grown("academy_api_seconds_count", caller="people"), 0

    def bug(*_: object) -> None:
        raise RuntimeError

    plane.call("GET", "/jobs/not-a-uuid")
    worker.start(1)
    monkeypatch.setattr(plane.executor, "describe", bug)
    plane.call("GET", f"/jobs/{worker.job_id}")
    plane.http.get("/healthz")
    assert grown("academy_api_seconds_count", caller="people") == people + 2
    assert grown("academy_api_seconds_count", caller="jobs") == jobs + 1
    assert grown("academy_api_errors_total", caller="people") == 1
    assert grown("academy_api_errors_total", caller="jobs") == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {token()}"}, 401),
        ({"Authorization": f"Bearer {METRICS_TOKEN}"}, 200),
    ],
    ids=["nobody", "another secret", "a user of a tenant", "the operator"],
)
def test_metrics_are_the_operators_alone(plane: Plane, headers: dict[str, str], status: int):
    assert plane.http.get("/metrics", headers=headers).status_code == status


def test_every_metric_has_its_series_and_none_tells_of_a_tenant(plane: Plane):
    live_a_day(plane)
    text = scrape(plane).text
    families = {family.name for family in text_string_to_metric_families(text) if family.samples}
    assert families == {metric.name.removesuffix("_total") for metric in METRICS}
    assert "hagwon" not in text


def live_a_day(plane: Plane) -> None:
    """One of each thing that has a metric."""
    _, worker = plane.submitted()
    worker.start(1)
    worker.fail(1, Reason.TERMINATED, permanent=False, usage=USAGE)
    worker.start(2)
    worker.fail(2, Reason.CORRUPT)
    plane.ready()
    Desk(plane).read(reading("a.jpg"))
    plane.turn("gauges")
