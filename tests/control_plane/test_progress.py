"""The progress call answers 200 in every state of Redis, and costs no SQL when it is warm."""

import json
from uuid import UUID

import pytest
import redis
from psycopg_pool import ConnectionPool
from pydantic import SecretStr

from pipeline.progress.keys import job_status, video_progress, video_status
from pipeline.settings import Settings
from tests.control_plane.plane import TENANT, Plane, serve
from tests.fixtures.proxies import TcpLine
from tests.fixtures.waiting import wait_for


@pytest.fixture
def cache(settings: Settings) -> redis.Redis:
    assert settings.redis_url is not None
    return redis.Redis.from_url(settings.redis_url.get_secret_value(), decode_responses=True, socket_timeout=5)


def write_progress(cache: redis.Redis, video_id: UUID, job_id: UUID, **fields: object) -> None:
    value = {
        "job_id": str(job_id),
        "attempt": 1,
        "started_at": 1.0,
        "percent": 42.4,
        "remaining_seconds": 30,
        "step_index": 4,
        "step_total": 7,
        "step_name": "transcoding",
        "step_percent": 50.0,
        **fields,
    }
    cache.set(video_progress(TENANT, video_id), json.dumps(value))


def test_it_tells_the_step_the_percent_and_the_remaining_time(plane: Plane, cache: redis.Redis):
    video_id, worker = plane.submitted()
    worker.start(1)
    write_progress(cache, video_id, worker.job_id)
    assert plane.call("GET", f"/media/videos/{video_id}/progress").json() == {
        "id": str(video_id),
        "status": "PROCESSING",
        "progress": 42,
        "encoding_progress": 42,
        "encoding_remaining_seconds": 30,
        "encoding_step_index": 4,
        "encoding_step_total": 7,
        "encoding_step_name": "transcoding",
        "encoding_step_name_display": {"ko": "변환", "en": "Transcoding"},
        "encoding_step_percent": 50,
    }


def test_a_warm_answer_costs_no_sql(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    video_id, worker = plane.submitted()
    worker.start(1)

    def no_sql(*_: object, **__: object) -> None:
        raise AssertionError("a warm answer asked Postgres")

    monkeypatch.setattr(ConnectionPool, "connection", no_sql)
    assert plane.call("GET", f"/media/videos/{video_id}/progress").json()["status"] == "PROCESSING"
    assert plane.call("GET", f"/jobs/{worker.job_id}/progress").json()["state"] == "running"


@pytest.mark.parametrize("value", [None, "", "null", "[]", "{", '{"status": 3}', "[" * 100_000])
def test_a_key_that_is_missing_or_broken_is_answered_from_the_row_and_warmed(
    plane: Plane, cache: redis.Redis, value: str | None
):
    video_id, worker = plane.submitted()
    worker.start(1)
    for key in (video_status(TENANT, video_id), job_status(TENANT, worker.job_id), video_progress(TENANT, video_id)):
        cache.delete(key) if value is None else cache.set(key, value)
    reply = plane.call("GET", f"/media/videos/{video_id}/progress")
    assert (reply.status_code, reply.json()["status"], reply.json()["progress"]) == (200, "PROCESSING", 0)
    assert plane.call("GET", f"/jobs/{worker.job_id}/progress").json()["state"] == "running"
    warm = cache.get(video_status(TENANT, video_id))
    assert isinstance(warm, str)
    assert json.loads(warm)["status"] == "PROCESSING"


def test_a_value_that_is_not_text_is_answered_from_the_row(plane: Plane, cache: redis.Redis):
    video_id, _ = plane.submitted()
    cache.set(video_status(TENANT, video_id), b"\xff\xfe{")
    cache.set(video_progress(TENANT, video_id), b"\xff\xfe{")
    reply = plane.call("GET", f"/media/videos/{video_id}/progress")
    assert (reply.status_code, reply.json()["status"]) == (200, "UPLOADED")


def test_a_new_video_is_pending_with_nothing_done(plane: Plane, cache: redis.Redis):
    video_id = plane.init()["id"]
    cache.flushall()
    body = plane.call("GET", f"/media/videos/{video_id}/progress").json()
    assert (body["id"], body["status"], body["progress"]) == (video_id, "PENDING", 0)


def test_ready_and_failed_are_kept_for_ever_and_tell_their_result(plane: Plane, cache: redis.Redis):
    video_id, worker = plane.ready()
    ready = plane.call("GET", f"/media/videos/{video_id}/progress").json()
    assert (ready["progress"], ready["hls_path"], ready["duration"]) == (100, worker.prefix(1) + "master.m3u8", 60.0)
    assert cache.ttl(video_status(TENANT, video_id)) == -1
    other_id, failing = plane.submitted()
    assert 0 < int(str(cache.ttl(video_status(TENANT, other_id)))) <= 21_600
    failing.fail(1, "ENCRYPTED")
    assert plane.call("GET", f"/media/videos/{other_id}/progress").json()["error_reason"] == "ENCRYPTED"


def test_progress_of_an_older_job_is_not_shown_after_a_retry(plane: Plane, cache: redis.Redis):
    video_id, worker = plane.submitted()
    worker.start(1)
    write_progress(cache, video_id, worker.job_id)
    worker.fail(1)
    plane.call("POST", f"/media/videos/{video_id}/retry")
    body = plane.call("GET", f"/media/videos/{video_id}/progress").json()
    assert (body["status"], body["progress"]) == ("UPLOADED", 0)


def test_a_redis_that_was_away_says_nothing_stale_when_it_is_back(settings: Settings, plane: Plane):
    assert settings.redis_url is not None
    address = settings.redis_url.get_secret_value()
    url, _, port = address.partition("@")[2].partition("/")[0].partition(":")
    line = TcpLine(url, int(port))
    try:
        through = address.replace(f"{url}:{port}", f"127.0.0.1:{line.port}")
        with serve(settings.model_copy(update={"redis_url": SecretStr(through)})) as cut_off:
            video_id, worker = cut_off.submitted()
            worker.start(1)
            assert cut_off.call("GET", f"/media/videos/{video_id}/progress").json()["status"] == "PROCESSING"
            line.cut()
            worker.store_outputs(1)
            assert worker.finish(1).status_code == 200
            assert cut_off.call("GET", f"/media/videos/{video_id}/progress").json()["status"] == "READY"
            line.mend()

            def written() -> bool:
                cut_off.turn("statuses")
                answer = plane.call("GET", f"/media/videos/{video_id}/progress").json()
                return bool(answer["status"] == "READY")

            wait_for(written, "what was owed is written")
    finally:
        line.close()


def test_a_new_process_corrects_what_the_last_one_could_not_write(plane: Plane, cache: redis.Redis):
    video_id, _ = plane.ready()
    stale = {"id": str(video_id), "status": "PROCESSING", "version": 1}
    cache.set(video_status(TENANT, video_id), json.dumps(stale))
    with serve(plane.services.settings) as restarted:
        restarted.turn("statuses")
        assert restarted.call("GET", f"/media/videos/{video_id}/progress").json()["status"] == "READY"
