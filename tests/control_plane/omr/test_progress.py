"""A batch's progress adds up those of its jobs, and answers 200 in every state of Redis."""

import json
from uuid import UUID

import pytest
import redis
from psycopg_pool import ConnectionPool

from pipeline.progress.keys import batch_status, job_progress
from pipeline.settings import Settings
from tests.control_plane.omr.sheets import Desk, reading
from tests.control_plane.plane import TENANT


@pytest.fixture
def cache(settings: Settings) -> redis.Redis:
    assert settings.redis_url is not None
    return redis.Redis.from_url(settings.redis_url.get_secret_value(), decode_responses=True, socket_timeout=5)


def write_progress(cache: redis.Redis, job_id: UUID, percent: float, **fields: object) -> None:
    value = {
        "job_id": str(job_id),
        "attempt": 1,
        "percent": percent,
        "remaining_seconds": 30,
        "step_index": 3,
        "step_percent": 50.0,
        **fields,
    }
    cache.set(job_progress(TENANT, job_id), json.dumps(value))


def test_the_progress_of_several_jobs_adds_up_by_their_pages(
    desk: Desk, cache: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    names = [f"{n}.jpg" for n in range(10)]
    batch_id, (first, second, third) = desk.uploaded(*names)
    first.deliver(1, *map(reading, names[:4]))
    second.start(1)
    third.start(1)
    write_progress(cache, second.job_id, 50.0, remaining_seconds=30)
    write_progress(cache, third.job_id, 75.0, remaining_seconds=90)

    def no_sql(*_: object, **__: object) -> None:
        raise AssertionError("a warm answer asked Postgres")

    monkeypatch.setattr(ConnectionPool, "connection", no_sql)
    assert desk.get(f"/batches/{batch_id}/progress") == {
        "id": batch_id,
        "status": "PROCESSING",
        # Four pages are read, half of four and three quarters of two more, out of ten.
        "progress": 75,
        "encoding_progress": 75,
        "encoding_remaining_seconds": 90,
        "encoding_step_index": 3,
        "encoding_step_total": 4,
        "encoding_step_name": "reading",
        "encoding_step_name_display": {"ko": "답안 판독", "en": "Reading"},
        "encoding_step_percent": 50,
        "error_reason": None,
    }


@pytest.mark.parametrize("value", [None, "", "null", "[]", "{", '{"status": 3}', '{"status": "FLYING"}'])
def test_a_key_that_is_missing_or_broken_is_answered_from_the_row_and_warmed(
    desk: Desk, cache: redis.Redis, value: str | None
):
    batch_id, (worker,) = desk.uploaded()
    worker.start(1)
    key = batch_status(TENANT, batch_id)
    cache.delete(key) if value is None else cache.set(key, value)
    cache.set(job_progress(TENANT, worker.job_id), value or "[")
    answer = desk.get(f"/batches/{batch_id}/progress")
    assert (answer["status"], answer["progress"]) == ("PROCESSING", 0)
    assert json.loads(str(cache.get(key)))["status"] == "PROCESSING"


def test_an_ended_batch_says_how_and_its_key_stays(desk: Desk, cache: redis.Redis):
    batch_id, worker = desk.read(reading("a.jpg"))
    answer = desk.get(f"/batches/{batch_id}/progress")
    assert (answer["status"], answer["progress"], answer["encoding_step_name"]) == ("READY", 100, None)
    assert cache.ttl(batch_status(TENANT, batch_id)) == -1
    of_job = desk.plane.call("GET", f"/jobs/{worker.job_id}/progress").json()
    assert (of_job["state"], of_job["encoding_step_total"]) == ("succeeded", 4)


def test_a_batch_that_is_not_completed_yet_is_pending(desk: Desk):
    batch = desk.init()
    answer = desk.get(f"/batches/{batch['id']}/progress")
    assert (answer["status"], answer["progress"]) == ("PENDING", 0)


def test_statuses_are_written_anew_when_a_process_starts(desk: Desk, cache: redis.Redis):
    batch_id, _ = desk.uploaded()
    cache.flushall()
    desk.plane.turn("statuses")
    assert json.loads(str(cache.get(batch_status(TENANT, batch_id))))["status"] == "UPLOADED"
