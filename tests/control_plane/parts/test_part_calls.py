"""Children of an array speak for their own part alone, and only the newest attempt at it is heard."""

from uuid import UUID

import httpx
import pytest

from control_plane.internal_jobs.tokens import AUDIENCE, PARTS_AUDIENCE
from control_plane.videos.parts import prefix_of_part
from pipeline.contracts.transcode import TranscodeSpec
from pipeline.contracts.transcode_part import PART_NAME, PartSpec
from tests.control_plane.parts.child import ARCHIVE, CALLS, PARTS, Child, mint, video_of
from tests.control_plane.plane import OTHER, SOURCE, TENANT, Plane, Worker


def test_a_child_is_told_its_part_and_works_on_a_video_that_is_processing(plane: Plane, children: list[Child]):
    reply = children[1].call("start", 1).json()
    spec = PartSpec.model_validate(reply["spec"])
    assert (spec.part, spec.parts) == (1, PARTS)
    assert httpx.get(spec.source.url).content == SOURCE
    job_id = children[1].job_id
    assert reply["progress"]["part"] == {"key": f"tenant:{TENANT}:job:{job_id}:parts", "number": 1, "of": PARTS}
    assert video_of(plane, job_id) == ("PROCESSING", None)
    assert plane.job(job_id).state == "submitted", "the job itself has not begun"


def test_a_child_that_begins_before_its_handle_is_written_down_brings_that_of_the_array(plane: Plane, long: UUID):
    child = Child(plane, long, 0)
    assert child.call("start", 1).status_code == 200
    assert plane.job(long).array_handle == child.array


def test_a_child_of_another_jobs_array_is_not_taken(plane: Plane, long: UUID, children: list[Child]):
    plane.probe.duration_s = 360.0
    other = Child(plane, plane.uploaded()[1], 0)
    reply = other.call("start", 1, handle=children[0].handle)
    assert (reply.status_code, reply.json()["reason"]) == (409, "not_this_jobs_handle")
    assert plane.job(other.job_id).array_handle is None


@pytest.mark.parametrize("name", CALLS)
def test_only_the_arrays_own_token_opens_its_calls(plane: Plane, children: list[Child], name: str):
    job_id = children[0].job_id
    other_id = plane.uploaded(tenant=OTHER)[1]
    for token, status in [
        (mint(job_id, AUDIENCE), 401),
        (mint(other_id, PARTS_AUDIENCE, OTHER), 403),
        (mint(job_id, PARTS_AUDIENCE, OTHER), 404),
    ]:
        assert children[0].call(name, 1, token=token).status_code == status
    own = plane.http.post(
        f"/api/v1/internal/jobs/{job_id}/{name}",
        json={"attempt": 1, "handle": f"handle-{job_id}"},
        headers={"Authorization": f"Bearer {mint(job_id, PARTS_AUDIENCE)}"},
    )
    assert own.status_code == 401, "a child cannot speak for the job"


@pytest.mark.parametrize("name", CALLS)
def test_only_the_newest_attempt_at_a_part_of_a_live_job_is_heard(plane: Plane, children: list[Child], name: str):
    first, second = children[:2]
    for attempt in (1, 2):
        first.call("start", attempt)
    second.call("start", 1)
    first.store(1)

    def refusal(reply: httpx.Response) -> tuple[int, str]:
        return reply.status_code, reply.json()["reason"]

    assert refusal(first.call(name, 1)) == (409, "attempt_is_stale")
    assert refusal(first.call(name, 2, handle=second.handle)) == (409, "not_this_jobs_handle")
    assert refusal(Child(plane, first.job_id, PARTS).call(name, 1)) == (404, "part_not_found")
    if name != "start":
        assert refusal(children[2].call(name, 1)) == (409, "attempt_not_started")
    assert plane.job(first.job_id).state == "submitted", "none of these has ended anything"
    plane.call("POST", f"/jobs/{first.job_id}/cancel")
    assert refusal(first.call(name, 2)) == (409, "job_has_ended")


def test_a_part_is_stored_below_its_attempts_own_prefix(plane: Plane, children: list[Child]):
    child = children[2]
    child.call("start", 1)
    (signed,) = child.call("uploads", 1).json()["files"]
    assert httpx.put(signed["url"], content=ARCHIVE, headers=signed["headers"]).status_code == 200
    prefix = prefix_of_part(plane.job(child.job_id), 2, 1)
    assert prefix.endswith(f"/hls/{child.job_id}-p2-1/")
    assert list(plane.services.store.list_keys(prefix)) == [prefix + PART_NAME]


def test_a_part_is_not_finished_before_it_is_stored_and_hears_yes_twice(children: list[Child]):
    child = children[0]
    child.call("start", 1)
    early = child.call("finish", 1)
    assert (early.status_code, early.json()["reason"]) == (422, "outputs_missing")
    child.store(1)
    assert [child.call("finish", 1).status_code for _ in range(2)] == [200, 200]


def test_the_join_is_told_of_the_newest_whole_attempt_at_every_part(plane: Plane, children: list[Child]):
    children[2].make()
    children[0].call("start", 1)
    children[0].make(2)
    # Nobody heard its `finish`: the outcome object says that it is whole.
    children[1].call("start", 1)
    children[1].store(1)
    spec = TranscodeSpec.model_validate(Worker(plane, children[0].job_id).start(1).json()["spec"])
    named = [f"-p{part}-{attempt}/" for part, attempt in ((0, 2), (1, 1), (2, 1))]
    assert [name in made.url for name, made in zip(named, spec.made, strict=True)] == [True] * PARTS
    assert [httpx.get(made.url).content for made in spec.made] == [ARCHIVE] * PARTS


def test_a_join_without_all_parts_fails_instead_of_waiting(plane: Plane, children: list[Child]):
    children[0].make()
    reply = Worker(plane, children[0].job_id).start(1)
    assert (reply.status_code, reply.json()["reason"]) == (409, "parts_missing")
    assert video_of(plane, children[0].job_id) == ("FAILED", "OUTCOME_MISSING")


def test_what_parts_have_left_is_removed_once_the_job_has_ended(plane: Plane, children: list[Child]):
    for child in children:
        child.make()
    prefixes = [prefix_of_part(plane.job(child.job_id), child.part, 1) for child in children]

    def left() -> int:
        plane.turn("abandoned")
        return sum(len(list(plane.services.store.list_keys(prefix))) for prefix in prefixes)

    plane.fetch("UPDATE job_parts SET ended_at = now() - interval '2 days' RETURNING 1")
    assert left() == 2 * PARTS, "the join has still to read them"
    Worker(plane, children[0].job_id).publish(1)
    assert left() == 2 * PARTS, "a stale child may still write"
    plane.fetch("UPDATE jobs SET ended_at = now() - interval '2 days' RETURNING 1")
    assert left() == 0
    master = Worker(plane, children[0].job_id).prefix(1) + "master.m3u8"
    assert plane.services.store.find(master) is not None


def test_what_the_newest_attempt_at_a_part_wrote_can_be_read(
    plane: Plane, children: list[Child], monkeypatch: pytest.MonkeyPatch
):
    asked = []

    def read_log(handle: str, attempt: int, *, tail_lines: int) -> list[str]:
        asked.append((handle, attempt, tail_lines))
        return ["last"]

    monkeypatch.setattr(plane.executor, "read_log", read_log)
    children[1].call("start", 1)
    children[1].call("start", 2)
    job_id = children[1].job_id
    for part, attempt in (("1", None), ("1", "1"), ("2", None)):
        params = {"part": part, "tail": "5", **({"attempt": attempt} if attempt is not None else {})}
        assert plane.call("GET", f"/jobs/{job_id}/logs", params=params).json()["lines"] == ["last"]
    assert asked == [(children[1].handle, 2, 5), (children[1].handle, 1, 5), (children[2].handle, 1, 5)]


def test_a_join_that_has_written_nothing_yet_points_to_the_logs_of_its_parts(plane: Plane, children: list[Child]):
    said = plane.call("GET", f"/jobs/{children[0].job_id}/logs", params={"attempt": 2}).json()
    assert (said["reason"], said["detail"].endswith(f"its {PARTS} parts have logs of their own")) == (
        "log_not_found",
        True,
    )
