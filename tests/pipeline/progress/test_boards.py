"""Progress and statuses in a real Valkey: what may replace what, for how long, and what a dead one costs."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from pipeline.contracts.envelope import PartProgress
from pipeline.contracts.transcode import STEPS
from pipeline.progress import keys
from pipeline.progress.answer import compose_answer
from pipeline.progress.board import ProgressBoard, open_board
from pipeline.progress.connection import connect
from pipeline.progress.news import ProgressNews
from pipeline.progress.parts_sum import PartOf
from pipeline.progress.scripts import load_script
from pipeline.progress.status import LARGEST_VALUE_BYTES, StatusBoard
from tests.fixtures.proxies import TcpLine
from tests.fixtures.waiting import PATIENCE_S, wait_for

TENANT = "hagwon-1"
VIDEO, JOB = "video-1", "job-1"
KEY = keys.video_progress(TENANT, VIDEO)
JOB_KEY = keys.job_progress(TENANT, JOB)
PARTS_KEY = keys.job_parts(TENANT, JOB)
STATUS_KEY = keys.video_status(TENANT, VIDEO)


@pytest.fixture
def line(redis_url: str) -> Iterator[TcpLine]:
    with closing(TcpLine("127.0.0.1", int(redis_url.rsplit(":", 1)[1].split("/", maxsplit=1)[0]))) as line:
        yield line


def news(percent: float, step: int = 4) -> ProgressNews:
    return ProgressNews(percent, 61.4, STEPS[step - 1], step_total=len(STEPS), step_percent=percent)


def stored(cache: "redis.Redis", key: str = KEY) -> dict[str, Any] | None:
    text = cache.get(key)
    return None if text is None else json.loads(str(text))


def write(url: str, percent: float, *, attempt: int = 1, job: str = JOB, place: PartOf | None = None) -> None:
    with open_board(SecretStr(url), [KEY, JOB_KEY], job_id=job, attempt=attempt, place=place) as board:
        board.show(news(percent))


def place_of(number: int, *, parts: int = 4) -> PartOf:
    return PartOf(PartProgress(key=PARTS_KEY, number=number, of=parts), STEPS, STEPS[3])


def test_progress_is_written_by_the_jobs_user_to_its_keys_with_a_time_to_live(cache: "redis.Redis", job_redis_url: str):
    write(job_redis_url, 42.5)
    assert "progress" not in {thread.name for thread in threading.enumerate()}, "it is closed once all is written"
    for key in (KEY, JOB_KEY):
        value = stored(cache, key)
        assert value is not None
        assert (value["job_id"], value["attempt"], value["percent"], value["step_name"]) == (
            JOB,
            1,
            42.5,
            "transcoding",
        )
        assert keys.IN_PROGRESS_TTL_S - 60 < cache.ttl(key) <= keys.IN_PROGRESS_TTL_S
    assert set(cache.scan_iter()) == {KEY, JOB_KEY}


def test_the_time_to_live_is_renewed_as_it_moves(cache: "redis.Redis", job_redis_url: str):
    write(job_redis_url, 10)
    cache.expire(KEY, 100)
    write(job_redis_url, 11)
    assert cache.ttl(KEY) > 100


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        ((50, 1), (40, 1), True),
        ((50, 1), (60, 1), False),
        ((50, 1), (50, 1), False),
        ((90, 1), (5, 2), False),
        ((5, 2), (90, 1), True),
    ],
)
def test_progress_never_goes_back_within_an_attempt_nor_to_an_older_one(
    cache: "redis.Redis", job_redis_url: str, *, first: tuple[int, int], second: tuple[int, int], stays: bool
):
    for percent, attempt in (first, second):
        write(job_redis_url, percent, attempt=attempt)
    value = stored(cache)
    assert value is not None
    assert (value["percent"], value["attempt"]) == (first if stays else second)


def test_a_newer_job_replaces_an_older_one_and_not_the_other_way_round(cache: "redis.Redis", job_redis_url: str):
    with open_board(SecretStr(job_redis_url), [KEY], job_id="older", attempt=3) as older:
        time.sleep(0.002)  # started_at counts milliseconds
        write(job_redis_url, 5, job="newer")
        older.show(news(99))
    value = stored(cache)
    assert value is not None
    assert value["job_id"] == "newer"


@pytest.mark.parametrize("broken", ["", "null", "[1]", "{", '{"attempt": "x"}', '"text"', '{"job_id": "job-1"}'])
def test_a_broken_value_is_replaced(cache: "redis.Redis", job_redis_url: str, broken: str):
    cache.set(KEY, broken)
    write(job_redis_url, 5)
    value = stored(cache)
    assert value is not None
    assert value["percent"] == 5


def test_the_jobs_user_may_touch_progress_keys_only(cache: "redis.Redis", job_redis_url: str):
    cache.set(STATUS_KEY, "a status")
    with closing(connect(SecretStr(job_redis_url))) as client:
        put_status = client.register_script(load_script("put_status"))
        for forbidden in (
            lambda: client.get(STATUS_KEY),
            lambda: client.set(STATUS_KEY, "x"),
            lambda: put_status(keys=[STATUS_KEY], args=["x", 1, 0]),
            lambda: client.delete(KEY),
            lambda: client.keys("*"),
            client.flushall,
            lambda: client.config_get("*"),
            client.acl_list,
        ):
            with pytest.raises(redis.ResponseError):
                forbidden()
    assert cache.get(STATUS_KEY) == "a status"


@pytest.mark.parametrize("command", keys.JOB_COMMANDS)
def test_the_jobs_user_has_no_right_that_it_does_not_need(cache: "redis.Redis", redis_url: str, command: str):
    rest = [f"+{other}" for other in keys.JOB_COMMANDS if other != command]
    patterns = [f"~{pattern}" for pattern in keys.JOB_KEY_PATTERNS]
    cache.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">pw", *patterns, "-@all", *rest)
    cache.execute_command("SCRIPT", "FLUSH")
    address = redis_url.rsplit("@", 1)[1]
    refused_before = _refusals(cache)
    write(f"redis://narrow:pw@{address}", 5)
    write(f"redis://narrow:pw@{address}", 5, place=place_of(0))
    assert stored(cache) is None or _refusals(cache) > refused_before
    cache.execute_command("ACL", "DELUSER", "narrow")


def test_writes_are_few_and_the_last_news_is_written(cache: "redis.Redis", job_redis_url: str):
    before = _calls(cache, "evalsha")
    began = time.monotonic()
    with open_board(SecretStr(job_redis_url), [KEY], job_id=JOB, attempt=1) as board:
        for number in range(1000):
            board.show(news(number / 10))
            time.sleep(0.0005)
    seconds = time.monotonic() - began
    value = stored(cache)
    assert value is not None
    assert value["percent"] == 99.9
    assert _calls(cache, "evalsha") - before <= 4 * seconds + 3


def test_a_redis_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.progress.connection.TIMEOUT_S", PATIENCE_S)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        board = ProgressBoard(SecretStr(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"), [KEY], job_id=JOB, attempt=1)
        for number in range(1000):
            board.show(news(number / 10))
        with silent.accept()[0]:
            board.close()
            (writer,) = [thread for thread in threading.enumerate() if thread.name == "progress"]
            assert writer.is_alive(), "it waits for the answer, and nobody waits for it"
        writer.join(PATIENCE_S)


def test_a_redis_that_goes_away_and_comes_back_is_written_to_again(
    cache: "redis.Redis", redis_url: str, line: TcpLine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pipeline.progress.connection.REST_S", 0.2)
    url = redis_url.replace(redis_url.rsplit(":", 1)[1], f"{line.port}/0")
    board = ProgressBoard(SecretStr(url), [KEY], job_id=JOB, attempt=1)
    board.show(news(1))
    wait_for(lambda: stored(cache), "it is written")
    line.cut()
    board.show(news(2))
    line.mend()
    percent = 2.0

    def moves_again() -> bool:
        nonlocal percent
        percent += 0.1
        board.show(news(percent))
        return bool((stored(cache) or {})["percent"] > 2)

    wait_for(moves_again, "it is written again")
    board.close()


def test_a_status_is_kept_for_ever_once_settled_and_for_six_hours_before(cache: "redis.Redis"):
    board = StatusBoard(cache)
    board.put(STATUS_KEY, {"id": VIDEO, "status": "PROCESSING"}, version=1)
    assert keys.IN_PROGRESS_TTL_S - 60 < cache.ttl(STATUS_KEY) <= keys.IN_PROGRESS_TTL_S
    for version, status in enumerate(["READY", "FAILED", "DONE", "succeeded", "failed"], start=2):
        board.put(STATUS_KEY, {"id": VIDEO, "status": status}, version=version)
        assert cache.ttl(STATUS_KEY) == -1
        assert stored(cache, STATUS_KEY) == {"id": VIDEO, "status": status, "version": version}


def test_an_older_version_never_replaces_a_newer_one(cache: "redis.Redis"):
    board = StatusBoard(cache)
    board.put(STATUS_KEY, {"status": "READY"}, version=10)
    StatusBoard(cache).put(STATUS_KEY, {"status": "PROCESSING"}, version=9)
    StatusBoard(cache).put(STATUS_KEY, {"status": "FAILED", "error_reason": "x" * LARGEST_VALUE_BYTES}, version=9)
    assert stored(cache, STATUS_KEY) == {"status": "READY", "version": 10}


def test_a_value_that_is_too_large_is_not_cached_and_the_old_one_goes(cache: "redis.Redis"):
    board = StatusBoard(cache)
    board.put(STATUS_KEY, {"status": "PROCESSING"}, version=1)
    board.put(STATUS_KEY, {"status": "FAILED", "error_reason": "가" * LARGEST_VALUE_BYTES}, version=2)
    assert cache.exists(STATUS_KEY) == 0


@pytest.mark.parametrize("broken", ["", "null", "{", '{"version": "x"}'])
def test_a_broken_status_is_replaced(cache: "redis.Redis", broken: str):
    cache.set(STATUS_KEY, broken)
    StatusBoard(cache).put(STATUS_KEY, {"status": "READY"}, version=1)
    assert stored(cache, STATUS_KEY) == {"status": "READY", "version": 1}


def test_a_status_that_could_not_be_written_is_owed_and_written_later(
    cache: "redis.Redis", redis_url: str, line: TcpLine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pipeline.progress.connection.REST_S", 0.1)
    url = redis_url.replace(redis_url.rsplit(":", 1)[1], f"{line.port}/0")
    with closing(connect(SecretStr(url))) as client:
        board = StatusBoard(client)
        board.put(STATUS_KEY, {"status": "PROCESSING"}, version=1)
        line.cut()
        board.put(STATUS_KEY, {"status": "READY"}, version=3)
        board.put(STATUS_KEY, {"status": "PROCESSING"}, version=2)
        assert (stored(cache, STATUS_KEY) or {})["status"] == "PROCESSING"
        line.mend()

        def is_ready() -> bool:
            board.put_owed()
            return bool((stored(cache, STATUS_KEY) or {})["status"] == "READY")

        wait_for(is_ready, "the debt is paid")


def test_every_key_lies_below_its_tenant(cache: "redis.Redis", job_redis_url: str):
    board = StatusBoard(cache)
    board.put(STATUS_KEY, {"status": "READY"}, version=1)
    board.put(keys.job_status(TENANT, JOB), {"status": "running"}, version=1)
    write(job_redis_url, 5)
    found = {str(key): cache.ttl(key) for key in cache.scan_iter()}
    assert len(found) == 4
    for key, ttl_s in found.items():
        assert key.startswith(f"tenant:{TENANT}:")
        assert (ttl_s == -1) == (key == STATUS_KEY), key


def test_what_is_written_is_what_the_answer_shows(cache: "redis.Redis", job_redis_url: str):
    status = {"id": VIDEO, "status": "PROCESSING", "job_id": JOB, "attempt": 1}
    StatusBoard(cache).put(STATUS_KEY, status, version=1)
    write(job_redis_url, 42.9)
    texts = [None if text is None else str(text) for text in cache.mget(STATUS_KEY, KEY)]
    assert compose_answer(VIDEO, *texts, steps=STEPS) == {
        "id": VIDEO,
        "status": "PROCESSING",
        "progress": 42,
        "encoding_progress": 42,
        "encoding_remaining_seconds": 61,
        "encoding_step_index": 4,
        "encoding_step_total": 7,
        "encoding_step_name": "transcoding",
        "encoding_step_name_display": {"ko": "변환", "en": "Transcoding"},
        "encoding_step_percent": 42,
    }


def _calls(cache: "redis.Redis", command: str) -> int:
    return int(_stats(cache, command).get("calls", 0))


def _refusals(cache: "redis.Redis") -> int:
    with suppress(redis.ResponseError):
        return int(cache.info("stats")["acl_access_denied_cmd"])
    return 0


def _stats(cache: "redis.Redis", command: str) -> dict[str, Any]:
    stats: dict[str, Any] = cache.info("commandstats").get(f"cmdstat_{command}", {})
    return stats
