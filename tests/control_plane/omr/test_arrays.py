"""A batch of several shards is one job of the executor, an array; each of its children is a job of ours by itself."""

from threading import Event
from typing import Any
from uuid import UUID

import pytest

from control_plane.events.consumer import consume
from control_plane.events.queue import Message
from control_plane.internal_jobs.tokens import AUDIENCE, PARTS_AUDIENCE
from pipeline.contracts.omr import OmrSpec
from pipeline.database.jobs_of_all_tenants import lock_next_to_dispatch
from pipeline.errors import Unavailable
from pipeline.execution.executor import CHILD_FAILED
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.events.test_consumer import event
from tests.control_plane.omr.sheets import Desk, SheetWorker, outcome, reading
from tests.control_plane.parts.child import CALLS, mint
from tests.control_plane.plane import OTHER

NAMES = [f"{n}.jpg" for n in range(10)]
# At four pages a job.
SHARES = [NAMES[:4], NAMES[4:8], NAMES[8:]]


class Letters:
    """A queue of these messages."""

    def __init__(self, *bodies: str) -> None:
        self.left = [Message(body, body) for body in bodies]

    def receive(self) -> list[Message]:
        return list(self.left)

    def delete(self, message: Message) -> None:
        self.left.remove(message)


def completed(desk: Desk) -> tuple[str, list[SheetWorker]]:
    """A batch of three shards that no dispatcher has seen, and who will read them."""
    batch = desk.init(*NAMES)
    desk.put(batch)
    jobs = desk.complete(batch["id"]).json()["jobs"]
    return batch["id"], [SheetWorker(desk.plane, UUID(job["job_id"])) for job in jobs]


def array_of(workers: list[SheetWorker]) -> str:
    return f"handle-{workers[0].array_id}-parts"


def handles(desk: Desk) -> list[str | None]:
    return [handle for (handle,) in desk.plane.fetch("SELECT handle FROM jobs ORDER BY created_at, shard")]


def test_a_batch_is_submitted_once_and_each_child_is_told_its_own_files(desk: Desk):
    batch_id, workers = completed(desk)
    for _ in range(2):
        desk.plane.turn("dispatcher")
    (submission,) = desk.plane.executor.submitted
    assert (submission.array_size, submission.after) == (3, None)
    assert handles(desk) == [f"{array_of(workers)}:{index}" for index in range(3)]
    for worker, names in zip(workers, SHARES, strict=True):
        reply = worker.start(1).json()
        assert [file.name for file in OmrSpec.model_validate(reply["spec"]).files] == names
        assert reply["progress"]["part"] is None, "each has its own progress"
        worker.store(1, outcome(*map(reading, names)))
        assert worker.end(1, outcome(*map(reading, names))).status_code == 200
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["counts"]["ok"]) == ("READY", 10)


def test_an_array_that_a_dead_dispatcher_had_submitted_is_found(desk: Desk):
    _, workers = completed(desk)
    desk.plane.executor.tell(array_of(workers), JobState.PENDING, attempt=1)
    desk.plane.turn("dispatcher")
    assert desk.plane.executor.submitted == []
    assert handles(desk) == [f"{array_of(workers)}:{index}" for index in range(3)]


def test_no_other_dispatcher_submits_an_array_while_one_does(desk: Desk):
    completed(desk)
    with desk.plane.services.pool.connection() as connection:
        assert lock_next_to_dispatch(connection) is not None
        desk.plane.turn("dispatcher")
        assert desk.plane.executor.submitted == []


def test_an_executor_that_is_away_is_asked_for_the_array_once_in_a_round(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    completed(desk)
    asked = []

    def away(name: str) -> None:
        asked.append(name)
        raise Unavailable("executor_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(desk.plane.executor, "find", away)
        desk.plane.turn("dispatcher")
    assert len(asked) == 1
    desk.plane.fetch("UPDATE jobs SET dispatch_after = now() RETURNING 1")
    desk.plane.turn("dispatcher")
    assert [submission.array_size for submission in desk.plane.executor.submitted] == [3]


def test_the_array_of_a_child_that_has_begun_is_the_one_of_all(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Of two arrays, the one whose submit was not heard of has begun."""
    _, workers = completed(desk)
    assert workers[1].call("start", 1, handle="handle-orphan:1").status_code == 200
    monkeypatch.setattr(desk.plane.executor, "find", lambda _name: None)
    desk.plane.turn("dispatcher")
    assert desk.plane.executor.submitted == []
    assert handles(desk) == [f"handle-orphan:{index}" for index in range(3)]


def test_a_child_that_fails_leaves_the_others_and_only_what_has_no_result_is_read_again(desk: Desk):
    batch_id, workers = completed(desk)
    desk.plane.turn("dispatcher")
    first, second, third = workers
    second.start(1)
    assert second.fail(1, "DISK_FULL").json() == {"state": "failed"}
    third.start(1)
    # What killed it is known from the executor alone.
    desk.plane.executor.tell(third.handle, JobState.FAILED, attempt=3, exit_codes=[137, 137, 137])
    desk.plane.turn("sweep")
    assert desk.get(f"/batches/{batch_id}")["status"] == "PROCESSING"
    first.deliver(1, *map(reading, SHARES[0]))
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["error_reason"], batch["counts"]["ok"]) == ("FAILED", "DISK_FULL", 4)

    jobs = desk.call("POST", f"/batches/{batch_id}/retry").json()["jobs"]
    desk.plane.turn("dispatcher")
    assert [submission.array_size for submission in desk.plane.executor.submitted] == [3, 2]
    again = [SheetWorker(desk.plane, UUID(job["job_id"])) for job in jobs[1:]]
    assert [worker.index for worker in again] == [0, 1], "an index is no shard"
    for worker, names in zip(again, SHARES[1:], strict=True):
        worker.deliver(1, *map(reading, names))
    assert desk.get(f"/batches/{batch_id}")["status"] == "READY"
    repeated = desk.plane.call("POST", f"/jobs/{second.job_id}/resubmit", json={"force": True}).json()
    desk.plane.turn("dispatcher")
    assert desk.plane.executor.submitted[-1].array_size is None, "one job alone is no array"
    assert SheetWorker(desk.plane, UUID(repeated["id"])).start(1).json()["spec"]["files"][0]["name"] == SHARES[1][0]


def test_an_event_of_a_child_is_news_of_its_own_job_and_one_of_the_array_of_none(desk: Desk):
    batch_id, workers = completed(desk)
    desk.plane.turn("dispatcher")
    workers[0].deliver(1, *map(reading, SHARES[0]))
    workers[2].start(1)
    workers[2].store(1, outcome(*map(reading, SHARES[2])))
    killed = {"attempts": [{"container": {"exitCode": 137}, "statusReason": "killed", "startedAt": 1, "stoppedAt": 2}]}
    queue = Letters(
        event(workers[1].handle, "FAILED", **killed),
        event(workers[2].handle, "SUCCEEDED"),
        event(array_of(workers), "FAILED", statusReason=CHILD_FAILED, arrayProperties={"size": 3}),
    )
    consume(desk.plane.services, queue, Event())
    assert queue.left == []
    states = [(desk.plane.job(worker.job_id).state, desk.plane.job(worker.job_id).reason) for worker in workers]
    assert states == [("succeeded", None), ("failed", "WORKER_KILLED"), ("succeeded", None)]
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["counts"]["ok"]) == ("FAILED", 6)


def test_a_child_that_its_array_has_not_made_yet_is_not_lost(desk: Desk):
    batch_id, workers = completed(desk)
    desk.plane.turn("dispatcher")
    desk.plane.fetch("UPDATE jobs SET submitted_at = now() - interval '1 minute' RETURNING 1")
    desk.plane.executor.tell(array_of(workers), JobState.PENDING, attempt=1)
    desk.plane.turn("sweep")
    assert {desk.plane.job(worker.job_id).state for worker in workers} == {"submitted"}
    desk.plane.executor.tell(array_of(workers), JobState.FAILED, attempt=1)
    desk.plane.turn("sweep")
    assert desk.get(f"/batches/{batch_id}")["error_reason"] == "JOB_LOST"


def test_a_cancelled_child_is_ended_alone_and_a_batch_with_its_array(desk: Desk):
    batch_id, workers = completed(desk)
    desk.plane.turn("dispatcher")
    workers[0].deliver(1, *map(reading, SHARES[0]))
    workers[1].start(1)
    assert desk.plane.call("POST", f"/jobs/{workers[1].job_id}/cancel").status_code == 200
    desk.plane.turn("terminations")
    assert [handle for handle, _ in desk.plane.executor.cancelled] == [workers[1].handle]
    assert workers[1].end(1, outcome()).json()["reason"] == "job_has_ended"

    cancelled = desk.call("POST", f"/batches/{batch_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"], cancelled.json()["error_reason"]) == (
        200,
        "FAILED",
        "CANCELLED",
    )
    assert cancelled.json()["counts"]["ok"] == 4, "what was read stays"
    desk.plane.turn("terminations")
    assert desk.plane.executor.cancelled[-1][0] == array_of(workers)
    again = desk.call("POST", f"/batches/{batch_id}/cancel")
    assert (again.status_code, again.json()["reason"]) == (409, "batch_has_no_live_job")


def test_a_cancel_before_the_array_is_submitted_keeps_it_from_being_submitted(desk: Desk):
    batch_id, workers = completed(desk)
    desk.plane.call("POST", f"/jobs/{workers[0].job_id}/cancel")
    desk.call("POST", f"/batches/{batch_id}/cancel")
    for loop in ("dispatcher", "terminations"):
        desk.plane.turn(loop)
    assert (desk.plane.executor.submitted, desk.plane.executor.cancelled) == ([], [])


def test_only_the_arrays_own_token_and_a_childs_own_handle_open_its_calls(desk: Desk):
    _, workers = completed(desk)
    desk.plane.turn("dispatcher")
    worker = workers[1]
    array_id = worker.array_id
    assert array_id is not None
    worker.start(1)
    calls = {**CALLS, "finish": {"outcome": outcome(*map(reading, SHARES[1]))}}
    own, of_nobody = worker.path, f"/api/v1/internal/jobs/{array_id}/parts/3"

    def refusals(token: str, path: str, **more: Any) -> set[int]:
        return {
            desk.plane.http.post(
                f"{path}/{name}",
                json={**body, "attempt": 1, "handle": worker.handle, **more},
                headers={"Authorization": f"Bearer {token}"},
            ).status_code
            for name, body in calls.items()
        }

    assert refusals(worker.token, own, handle=workers[0].handle) == {409}
    # 422: what might be a part's outcome is looked at before the part is looked for.
    assert refusals(worker.token, of_nobody) == {404, 422}
    assert refusals(mint(array_id, PARTS_AUDIENCE, OTHER), own) == {404, 422}
    assert refusals(mint(worker.job_id, PARTS_AUDIENCE), own) == {403}
    assert refusals(mint(array_id, AUDIENCE), own) == {401}
    assert refusals(worker.token, f"/api/v1/internal/jobs/{worker.job_id}") == {401}
    assert desk.plane.job(worker.job_id).state == "running", "none of these has ended anything"
