"""The machines that made the parts of a video are in its figures, each attempt once."""

from typing import LiteralString
from uuid import UUID

import pytest

from pipeline.execution.stuck.explanation import Cause, Explanation
from pipeline.lifecycle.job_state import JobState
from pipeline.reasons import Reason
from tests.control_plane.outcomes import outcome_body
from tests.control_plane.parts.child import PARTS, Child
from tests.control_plane.plane import Plane, Worker
from tests.control_plane.scraping import Growth, shown

USAGE = {"scratch_used_percent": 41.5, "peak_memory_bytes": 2**30, "cpu_s": 12.5}
WAITED = ("academy_oldest_waiting_seconds", (("kind", "transcode"),))


def test_parts_are_told_when_their_video_is_ready(plane: Plane, long: UUID, children: list[Child], grown: Growth):
    children[0].call("start", 1)
    children[0].call("fail", 1, reason=Reason.TERMINATED, permanent=False)
    children[0].make(2)
    for child in children[1:]:
        child.make()
    assert grown("academy_attempt_seconds_count", kind="transcode") == 0
    # An hour ago it came, and ten minutes later the first part had a machine.
    ago(plane, "UPDATE jobs SET created_at = created_at - interval '60 min'")
    ago(plane, "UPDATE job_parts SET started_at = started_at - interval '50 min' WHERE part = 0 AND attempt = 1")
    ago(plane, "UPDATE job_parts SET ended_at = ended_at - interval '50 min' WHERE part = 0 AND attempt = 1")
    worker = Worker(plane, long)
    worker.start(1)
    worker.store_outputs(1)
    worker.call("finish", 1, outcome=outcome_body(duration_s=360.0, steps=[]))
    assert grown("academy_attempt_seconds_count", kind="transcode") == PARTS + 2, "the lost one and the join too"
    assert grown("academy_queue_seconds_count", kind="transcode") == 1
    assert grown("academy_queue_seconds_sum", kind="transcode") == pytest.approx(600, abs=30), "not until the join"
    assert grown("academy_spot_reclaims_total", kind="transcode") == 1
    assert grown("academy_jobs_ended_total", kind="transcode", result="succeeded") == 1
    # Six minutes, in 2.5 s of each of the three machines.
    assert grown("academy_real_time_factor_sum") == 48.0


def test_what_a_part_has_used_is_told_once(children: list[Child], grown: Growth):
    child = children[0]
    child.call("start", 1)
    child.store(1)
    for _ in range(2):
        assert child.call("finish", 1, usage=USAGE).status_code == 200
    assert grown("academy_cpu_seconds_sum", kind="transcode") == 12.5


def test_a_job_whose_parts_have_no_machine_yet_waits(plane: Plane, long: UUID, children: list[Child]):
    plane.executor.tell(f"handle-{long}", JobState.PENDING, attempt=1)
    plane.turn("sweep")
    ago(plane, "UPDATE jobs SET created_at = created_at - interval '60 min'")
    plane.turn("gauges")
    assert plane.job(long).state == "pending"
    assert 3600 <= shown(plane)[WAITED] < 3700
    children[0].call("start", 1)
    plane.turn("gauges")
    assert shown(plane)[WAITED] == 0


def test_a_join_waits_since_its_parts_are_made(plane: Plane, long: UUID, children: list[Child]):
    for child in children:
        child.make()
    ago(plane, "UPDATE jobs SET created_at = created_at - interval '60 min'")
    join = f"handle-{long}"
    plane.executor.tell(join, JobState.RUNNABLE, attempt=1)
    plane.executor.explanations[join] = Explanation(Cause.AT_ITS_LIMIT, "16 of at most 16")
    plane.turn("sweep")
    plane.turn("gauges")
    assert plane.job(long).state == "runnable"
    assert shown(plane)[WAITED] < 60
    (item,) = plane.call("GET", "/jobs/stuck").json()["items"]
    assert (item["waits_for_s"] < 60, item["why"]["cause"]) == (True, "at_its_limit")


def ago(plane: Plane, change: LiteralString) -> None:
    with plane.services.pool.connection() as connection:
        connection.execute(change)
