"""What a job reads becomes submissions: whole, once, fenced, and without a word of a person being lost."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.omr.correcting import looked_at, standing_of_row
from pipeline.contracts.omr import OmrSpec
from pipeline.database.submissions import find_submission, replace_standing
from pipeline.lifecycle.job_state import JobState
from tests.control_plane.omr.sheets import JPEG, OVERLAY, Desk, SheetWorker, outcome, reading, refused
from tests.control_plane.plane import TENANT
from tests.fixtures.waiting import wait_for


def rows(desk: Desk) -> list[tuple[Any, ...]]:
    """Every submission as it stands, with its times."""
    return desk.plane.fetch("SELECT * FROM submissions ORDER BY batch_id, file_number, page")


def test_start_tells_the_whole_spec_with_urls_that_read_the_files(desk: Desk):
    batch_id, (worker,) = desk.uploaded("a.jpg", "b.jpg", engine="classical", overlays=False)
    reply = worker.start(1).json()
    spec = OmrSpec.model_validate(reply["spec"])
    assert (reply["kind"], reply["tenant_id"], spec.batch_id) == ("omr", TENANT, batch_id)
    assert [file.name for file in spec.files] == ["a.jpg", "b.jpg"]
    assert [httpx.get(file.source.url).content for file in spec.files] == [JPEG, JPEG]
    assert (spec.engine, spec.overlays, spec.template.name) == ("classical", False, "Weekly test")
    assert reply["progress"]["keys"] == [f"tenant:{TENANT}:job:{worker.job_id}:progress"]
    assert desk.get(f"/batches/{batch_id}")["status"] == "PROCESSING"
    stored = desk.get_job(worker.job_id)["spec"]
    assert "url" not in str(stored)
    assert "bubble" not in str(stored), "live jobs' rows are read every second: no template stands in them"


def test_uploads_are_signed_below_the_attempts_own_prefix(desk: Desk):
    batch_id, (worker,) = desk.uploaded()
    worker.start(2)
    files = [{"path": "overlays/a-1.png", "size_bytes": len(OVERLAY), "content_type": "image/png"}]
    (put,) = worker.call("uploads", 2, files=files).json()["files"]
    assert httpx.put(put["url"], content=OVERLAY, headers=put["headers"]).status_code == 200
    key = f"tenants/{TENANT}/omr/batches/{batch_id}/readings/{worker.job_id}-2/overlays/a-1.png"
    assert desk.plane.services.store.find(key) is not None


def test_a_batch_with_one_corrupt_page_is_ready_and_that_page_is_a_sheet_with_its_reason(desk: Desk):
    batch_id, _ = desk.read(reading("a.jpg"), refused("b.jpg"), reading("c.jpg", marks="1-5"))
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["error_reason"]) == ("READY", None)
    assert batch["counts"] == {"done": 3, "ok": 1, "to_review": 1, "refused": 1}
    first, second, third = desk.sheets(batch_id)
    assert (first["status"], first["identifier"], first["review"]["required"]) == ("ANSWERS_READY", "42", False)
    assert (second["status"], second["error_reason"], second["overlay_url"]) == ("FAILED", "TRUNCATED", None)
    assert second["error_message"]["ko"]
    assert (third["status"], third["review"]["required"]) == ("ANSWERS_READY", True)
    assert third["review"]["reasons"] == ["ANSWER_STATUS_NOT_OK", "ANSWER_BLANK_OR_MULTI"]


def test_a_submission_keeps_the_raw_result_as_the_old_system_did(desk: Desk):
    desk.read(reading("a.jpg", marks="1-5"))
    ((meta, status, identifier, answers),) = desk.plane.fetch(
        "SELECT meta, status, identifier, answers FROM submissions"
    )
    assert meta["ai_result"]["answers"][1]["marking"] == "blank"
    assert meta["ai_result"]["registration"]["residual_mm"] == 0.12
    assert meta["omr"] == {
        "identifier": {"name": "student_number", "value": "42", "confidence": 0.99, "status": "ok"},
        "version": "v1",
    }
    assert set(meta["manual_review"]) == {"required", "reasons", "updated_at"}
    assert (status, identifier, answers) == ("ANSWERS_READY", "42", {"q1": ["1"], "q2": [], "q3": ["5"]})


def test_a_file_that_the_job_says_nothing_of_does_not_vanish(desk: Desk):
    batch_id, (worker,) = desk.uploaded("a.jpg", "b.zip")
    worker.deliver(1, reading("a.jpg"))
    _, silent = desk.sheets(batch_id)
    assert (silent["file"], silent["status"], silent["error_reason"]) == ("b.zip", "FAILED", "NOT_A_PICTURE")


def test_a_repeated_finish_and_the_same_result_of_a_new_job_change_no_submission(desk: Desk):
    batch_id, worker = desk.read(reading("a.jpg"), refused("b.jpg"))
    before = rows(desk)
    assert worker.end(1, outcome(reading("a.jpg"), refused("b.jpg"))).json() == {"state": "succeeded"}
    again = resubmitted(desk, worker)
    again.deliver(1, reading("a.jpg"), refused("b.jpg"))
    assert rows(desk) == before
    assert desk.get(f"/batches/{batch_id}")["status"] == "READY"
    (sheet, _) = desk.sheets(batch_id)
    desk.plane.services.store.delete_prefix(worker.prefix(1))
    assert desk.call("GET", f"/sheets/{sheet['id']}/overlay.png").content == OVERLAY, "the new job's is shown"


def resubmitted(desk: Desk, worker: SheetWorker) -> SheetWorker:
    path = f"/jobs/{worker.job_id}/resubmit"
    refusal = desk.plane.call("POST", path)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "batch_is_ready")
    reply = desk.plane.call("POST", path, json={"force": True})
    assert reply.status_code == 202, reply.text
    desk.plane.turn("dispatcher")
    return SheetWorker(desk.plane, UUID(reply.json()["id"]))


def test_a_new_reading_replaces_the_machines_and_leaves_a_persons(desk: Desk):
    batch_id, worker = desk.read(reading("a.jpg", marks="1-5"), reading("b.jpg"), reading("b.jpg", 2))
    corrected, untouched, gone = desk.sheets(batch_id)
    answers = {"version": 1, "answers": {"q2": ["4"]}, "identifier": "77"}
    assert desk.call("POST", f"/sheets/{corrected['id']}/answers", json=answers).status_code == 200

    resubmitted(desk, worker).deliver(1, reading("a.jpg", marks="2-2"), reading("b.jpg", marks="555"))
    sheet = desk.sheet(corrected["id"])
    assert [answer["values"] for answer in sheet["answers"]] == [["1"], ["4"], ["5"]], "as the person left it"
    assert [answer["detected"] for answer in sheet["answers"]] == [["2"], [], ["2"]], "as the machine reads it now"
    assert (sheet["identifier"], sheet["review"]["required"], sheet["version"]) == ("77", False, 3)
    assert len(sheet["edits"]) == 1
    assert [answer["values"] for answer in desk.sheet(untouched["id"])["answers"]] == [["5"]] * 3
    assert desk.call("GET", f"/sheets/{gone['id']}").status_code == 404, "the page is not there any more"


def test_a_new_reading_waits_for_a_correction_that_is_being_written(desk: Desk):
    batch_id, worker = desk.read(reading("a.jpg"))
    sheet_id = UUID(desk.sheets(batch_id)[0]["id"])
    again = resubmitted(desk, worker)
    again.start(1)
    second = outcome(reading("a.jpg", marks="222"))
    again.store(1, second)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with ThreadPoolExecutor(1) as pool, desk.plane.services.pool.connection() as connection:
        before = find_submission(connection, TENANT, sheet_id)
        assert before is not None
        said = looked_at(standing_of_row(before), by="kim", at=datetime.now(UTC))
        assert replace_standing(connection, TENANT, sheet_id, version=1, standing=replace(said, answers={"q1": ["4"]}))
        ended = pool.submit(again.end, 1, second)
        wait_for(lambda: desk.plane.fetch(waiting), "the reading waits for the row")
    assert ended.result().status_code == 200
    (answer,) = desk.sheet(str(sheet_id))["answers"]
    assert (answer["values"], answer["detected"]) == (["4"], ["2"])


@pytest.mark.parametrize("name", ["start", "uploads", "finish", "fail"])
def test_a_stale_attempt_is_refused(desk: Desk, name: str):
    batch_id, (worker,) = desk.uploaded()
    worker.start(1)
    worker.start(2)
    worker.store(1, outcome(reading("a.jpg")))
    bodies: dict[str, dict[str, Any]] = {
        "start": {},
        "uploads": {"files": [{"path": "x.png", "size_bytes": 1, "content_type": "image/png"}]},
        "finish": {"outcome": outcome(reading("a.jpg"))},
        "fail": {"reason": "CORRUPT", "permanent": True},
    }
    reply = worker.call(name, 1, **bodies[name])
    assert (reply.status_code, reply.json()["reason"]) == (409, "attempt_is_stale")
    assert rows(desk) == []
    assert desk.get(f"/batches/{batch_id}")["status"] == "PROCESSING"


@pytest.mark.parametrize(
    "sheets",
    [
        [reading("b.jpg")],
        [reading("a.jpg"), reading("a.jpg")],
        [reading("a.jpg", overlay="../../../../other/secret.png")],
        [{**refused("a.jpg"), "reason": "BAD_MOOD"}],
        [reading("a.jpg", identifier="9" * 201)],
    ],
    ids=["another file", "a page twice", "an overlay outside of its prefix", "an unknown reason", "a long identifier"],
)
def test_an_outcome_that_is_not_of_this_job_is_refused_and_not_found_by_the_sweep(
    desk: Desk, sheets: list[dict[str, Any]]
):
    batch_id, (worker,) = desk.uploaded()
    worker.start(1)
    worker.store_outcome(1, outcome(*sheets))
    reply = worker.end(1, outcome(*sheets))
    assert (reply.status_code, reply.json()["reason"]) == (422, "outcome_invalid")
    desk.plane.executor.tell(worker.handle, JobState.SUCCEEDED, attempt=1, exit_codes=[0])
    desk.plane.turn("sweep")
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["error_reason"]) == ("FAILED", "OUTCOME_MISSING")
    assert rows(desk) == []


def test_finish_without_a_stored_outcome_is_refused(desk: Desk):
    _, (worker,) = desk.uploaded()
    worker.start(1)
    reply = worker.end(1, outcome(reading("a.jpg")))
    assert (reply.status_code, reply.json()["reason"]) == (422, "outputs_missing")


def test_the_sweep_publishes_what_was_read_while_nobody_listened(desk: Desk):
    batch_id, (worker,) = desk.uploaded()
    worker.start(1)
    worker.store(1, outcome(reading("a.jpg")))
    desk.plane.executor.tell(worker.handle, JobState.SUCCEEDED, attempt=1, exit_codes=[0])
    desk.plane.turn("sweep")
    assert desk.get(f"/batches/{batch_id}")["counts"]["ok"] == 1
    job = desk.get_job(worker.job_id)
    assert (job["state"], job["outcome"]["sheets"]) == ("succeeded", {"read": 1, "refused": 0})


def two_shards(desk: Desk) -> tuple[str, SheetWorker, SheetWorker, list[str]]:
    names = [f"{n}.jpg" for n in range(6)]
    batch_id, (first, second) = desk.uploaded(*names)
    return batch_id, first, second, names


def test_two_jobs_that_end_at_once_make_the_batch_ready_once(desk: Desk):
    batch_id, first, second, names = two_shards(desk)
    parts = [(first, names[:4]), (second, names[4:])]
    for worker, part in parts:
        worker.start(1)
        worker.store(1, outcome(*map(reading, part)))
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda item: item[0].end(1, outcome(*map(reading, item[1]))), parts))
    assert [reply.status_code for reply in replies] == [200, 200]
    assert [sheet["file"] for sheet in desk.sheets(batch_id)] == names
    moves = desk.plane.fetch("SELECT from_status, to_status FROM omr_batch_moves ORDER BY id")
    assert moves[1:] == [("PENDING", "UPLOADED"), ("UPLOADED", "PROCESSING"), ("PROCESSING", "READY")]


def test_a_failed_part_fails_the_batch_at_the_end_and_is_retried_alone(desk: Desk):
    batch_id, first, second, names = two_shards(desk)
    first.start(1)
    assert first.fail(1, "DISK_FULL").json() == {"state": "failed"}
    assert desk.get(f"/batches/{batch_id}")["status"] == "PROCESSING", "the other part is still being read"
    second.deliver(1, *map(reading, names[4:]))
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["error_reason"], batch["counts"]["done"]) == ("FAILED", "DISK_FULL", 2)

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: desk.call("POST", f"/batches/{batch_id}/retry"), range(8)))
    assert {reply.status_code for reply in replies} == {202}
    jobs = replies[0].json()["jobs"]
    assert (replies[0].json()["status"], jobs[1]["job_id"]) == ("UPLOADED", str(second.job_id))
    assert desk.plane.fetch("SELECT count(*) FROM jobs") == [(3,)]
    desk.plane.turn("dispatcher")
    SheetWorker(desk.plane, UUID(jobs[0]["job_id"])).deliver(1, *map(reading, names[:4]))
    assert desk.get(f"/batches/{batch_id}")["counts"]["ok"] == 6
    late = desk.call("POST", f"/batches/{batch_id}/retry")
    assert (late.status_code, late.json()["reason"]) == (409, "retry_not_allowed")


def test_a_part_that_is_read_again_while_another_fails_still_ends(desk: Desk):
    batch_id, first, second, names = two_shards(desk)
    first.deliver(1, *map(reading, names[:4]))
    repeated = desk.plane.call("POST", f"/jobs/{first.job_id}/resubmit").json()
    desk.plane.turn("dispatcher")
    again = SheetWorker(desk.plane, UUID(repeated["id"]))
    second.start(1)
    second.fail(1, "DISK_FULL")
    assert desk.get(f"/batches/{batch_id}")["status"] == "FAILED"
    again.deliver(1, *(reading(name, marks="555") for name in names[:4]))
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["error_reason"], batch["counts"]["ok"]) == ("FAILED", "DISK_FULL", 4)
    (sheet, *_) = desk.sheets(batch_id)
    assert [answer["values"] for answer in desk.sheet(sheet["id"])["answers"]] == [["5"]] * 3


def test_a_cancelled_job_fails_its_batch_and_the_executor_is_told(desk: Desk):
    batch_id, (worker,) = desk.uploaded()
    worker.start(1)
    assert desk.plane.call("POST", f"/jobs/{worker.job_id}/cancel").status_code == 200
    desk.plane.turn("terminations")
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["error_reason"]) == ("FAILED", "CANCELLED")
    assert [handle for handle, _ in desk.plane.executor.cancelled] == [worker.handle]


def test_a_failed_reading_of_a_ready_batch_changes_nothing_but_the_job(desk: Desk):
    batch_id, worker = desk.read(reading("a.jpg"))
    again = resubmitted(desk, worker)
    before = desk.plane.fetch("SELECT count(*) FROM omr_batch_moves")
    again.start(1)
    again.fail(1, "DISK_FULL")
    assert desk.plane.fetch("SELECT count(*) FROM omr_batch_moves") == before
    batch = desk.get(f"/batches/{batch_id}")
    assert (batch["status"], batch["error_reason"], batch["counts"]["ok"]) == ("READY", None, 1)


def test_outputs_that_no_sheet_shows_are_removed_and_the_published_ones_stay(desk: Desk):
    _, worker = desk.read(reading("a.jpg"))
    again = resubmitted(desk, worker)
    again.deliver(1, reading("a.jpg"))
    desk.plane.fetch("UPDATE job_attempts SET ended_at = now() - interval '2 days' RETURNING 1")
    desk.plane.fetch("UPDATE jobs SET ended_at = now() - interval '2 days' RETURNING 1")
    desk.plane.fetch("UPDATE omr_batches SET updated_at = now() - interval '2 days' RETURNING 1")
    desk.plane.turn("abandoned")
    store = desk.plane.services.store
    assert list(store.list_keys(worker.prefix(1))) == []
    assert len(list(store.list_keys(again.prefix(1)))) == 2
