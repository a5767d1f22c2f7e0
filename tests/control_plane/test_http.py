"""What every answer has in common: request ids, the shape of failures, health, and published streams."""

import httpx
import pytest
from pydantic import SecretStr

from pipeline.settings import Settings
from tests.control_plane.plane import Plane, serve


def test_a_sane_request_id_is_echoed_and_another_is_replaced(plane: Plane):
    assert plane.http.get("/healthz", headers={"X-Request-ID": "abc-12345"}).headers["X-Request-ID"] == "abc-12345"
    for given in ("short", "x" * 65, 'a"b\\c 12345'):
        answered = plane.http.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        assert answered != given
        assert len(answered) == 32


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("PUT", "/api/v1/jobs", 405, "method_not_allowed"),
        ("GET", "/api/v1/jobs/not-a-uuid", 422, "request_invalid"),
        ("GET", "/api/v1/jobs?limit=0", 422, "request_invalid"),
    ],
)
def test_every_failure_has_one_shape(plane: Plane, method: str, path: str, status: int, reason: str):
    reply = plane.call(method, path.removeprefix("/api/v1"))
    assert reply.status_code == status
    assert reply.json().keys() == {"reason", "detail", "request_id"}
    assert reply.json()["reason"] == reason
    assert reply.json()["request_id"] == reply.headers["X-Request-ID"]


def test_a_bug_is_answered_500_without_its_text(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    _, worker = plane.submitted()

    def bug(*_: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(plane.executor, "describe", bug)
    reply = plane.call("GET", f"/jobs/{worker.job_id}")
    assert (reply.status_code, reply.json()["reason"]) == (500, "internal_error")
    assert "swordfish" not in reply.text
    assert reply.json()["request_id"] == reply.headers["X-Request-ID"]


def test_without_redis_the_plane_is_ready_and_without_postgres_it_is_not(plane: Plane, settings: Settings):
    up = plane.http.get("/readyz")
    assert (up.status_code, up.json()) == (
        200,
        {
            "status": "ready",
            "instance": settings.instance,
            "postgres": "up",
            "redis": "up",
            "storage": "up",
        },
    )
    nowhere = SecretStr("redis://127.0.0.1:1/0")
    with serve(settings.model_copy(update={"redis_url": nowhere})) as without_redis:
        reply = without_redis.http.get("/readyz")
        assert (reply.status_code, reply.json()["redis"]) == (200, "down")
        video_id, _ = without_redis.ready()
        assert without_redis.call("GET", f"/media/videos/{video_id}/progress").json()["status"] == "READY"
    no_store = {"s3_endpoint_url": "http://127.0.0.1:1"}
    with serve(settings.model_copy(update=no_store)) as without_store:
        reply = without_store.http.get("/readyz")
        assert (reply.status_code, reply.json()["storage"]) == (503, "down")
    no_database = {"database_url": SecretStr("postgresql://nobody@127.0.0.1:1/none")}
    with serve(settings.model_copy(update=no_database)) as without_postgres:
        reply = without_postgres.http.get("/readyz")
        assert (reply.status_code, reply.json()["postgres"]) == (503, "down")
        assert without_postgres.http.get("/healthz").status_code == 200
        reply = without_postgres.call("GET", "/jobs")
        assert (reply.status_code, reply.json()["reason"]) == (503, "database_unavailable")


@pytest.fixture
def segment(plane: Plane) -> str:
    _, worker = plane.ready()
    key = worker.prefix(1) + "v1/00000.m4s"
    plane.services.store.write(key, bytes(range(100)), content_type="application/octet-stream")
    return f"/cdn/{key}"


def test_a_stream_is_served_to_any_page_and_cached_for_ever(plane: Plane, segment: str):
    whole = plane.http.get(segment)
    assert (whole.status_code, whole.content) == (200, bytes(range(100)))
    assert whole.headers["Content-Type"] == "video/iso.segment"
    assert whole.headers["Access-Control-Allow-Origin"] == "*"
    assert "immutable" in whole.headers["Cache-Control"]
    known = plane.http.get(segment, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    head = plane.http.head(segment)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "100")
    assert plane.http.options(segment).headers["Access-Control-Allow-Headers"] == "Range, If-None-Match"


@pytest.mark.parametrize(
    ("asked", "expected"), [("bytes=0-", (0, 99)), ("bytes=10-19", (10, 19)), ("bytes=-5", (95, 99))]
)
def test_a_range_is_answered_206(plane: Plane, segment: str, asked: str, expected: tuple[int, int]):
    first, last = expected
    part = plane.http.get(segment, headers={"Range": asked})
    assert (part.status_code, part.headers["Content-Range"]) == (206, f"bytes {first}-{last}/100")
    assert part.content == bytes(range(first, last + 1))


def test_a_range_behind_the_end_is_416(plane: Plane, segment: str):
    assert plane.http.get(segment, headers={"Range": "bytes=500-"}).status_code == 416


def test_nothing_but_streams_is_served(plane: Plane):
    video_id, worker = plane.ready()
    source = plane.video(video_id).source_key
    prefix = worker.prefix(1)
    for key in (
        source,
        prefix + "outcome.json",
        prefix,
        prefix + "missing.m4s",
        prefix + "../../source/1.mp4",
        prefix + "%2e%2e/%2e%2e/source/1.mp4",
        "",
        "readyz",
    ):
        reply = httpx.get(f"{plane.url}/cdn/{key}")
        assert reply.status_code == 404, key
    assert plane.services.store.find(source) is not None
    assert plane.services.store.find(prefix + "outcome.json") is not None
