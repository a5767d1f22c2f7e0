"""No call shows or changes what belongs to another tenant. New routes are covered as they come."""

from typing import Any

import pytest
from fastapi.routing import APIRoute

from control_plane.app import create_app
from control_plane.cdn.routes import router as cdn
from control_plane.health.routes import router as health
from control_plane.internal_jobs.routes import router as internal
from control_plane.watch.routes import router as watch
from pipeline.settings import Settings
from tests.control_plane.plane import OTHER, TENANT, Plane, init_body, token

# Without a user's token on purpose: probes, published streams, static pages, and calls with a job's own token.
OPEN = {
    route.path_format
    for router in (health, cdn, watch, internal)
    for route in router.routes
    if isinstance(route, APIRoute)
}


def user_routes() -> list[tuple[str, str]]:
    app = create_app(Settings(jwt_secret="x" * 40), open_services=lambda _: None)  # type: ignore[arg-type,return-value]
    routes = list(paths_of(app.openapi()))
    assert len(routes) > 8
    return routes


def paths_of(schema: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (method.upper(), path) for path, methods in schema["paths"].items() if path not in OPEN for method in methods
    ]


BODIES = {
    "/api/v1/media/videos/upload/init": init_body(),
    "/api/v1/jobs/{job_id}/resubmit": {"force": True},
}


def snapshot(plane: Plane) -> list[object]:
    return [
        plane.fetch("SELECT id, version, status, upload_number FROM videos WHERE tenant_id = %s ORDER BY id", TENANT),
        plane.fetch("SELECT id, version, state FROM jobs WHERE tenant_id = %s ORDER BY id", TENANT),
    ]


@pytest.mark.parametrize(("method", "path"), user_routes())
def test_another_tenants_things_do_not_exist(plane: Plane, method: str, path: str):
    video_id, worker = plane.ready()
    # Warm: what is cached for one tenant must not answer another.
    assert plane.call("GET", f"/media/videos/{video_id}/progress").status_code == 200
    assert plane.call("GET", f"/jobs/{worker.job_id}/progress").status_code == 200
    before = snapshot(plane)
    address = path.replace("{video_id}", str(video_id)).replace("{job_id}", str(worker.job_id))
    body = BODIES.get(path)
    if path.endswith("/upload/init"):
        body = init_body(video_id=str(video_id))
    reply = plane.call(method, address.removeprefix("/api/v1"), tenant=OTHER, json=body)
    if "{" in path or path.endswith("/upload/init"):
        assert reply.status_code == 404, reply.text
        assert reply.json()["reason"] in {"video_not_found", "job_not_found"}
    else:
        assert reply.json() == {"items": [], "next_cursor": None}
    assert snapshot(plane) == before


@pytest.mark.parametrize(("method", "path"), user_routes())
def test_no_route_answers_without_a_token(plane: Plane, method: str, path: str):
    address = path.replace("{video_id}", "x").replace("{job_id}", "x")
    reply = plane.http.request(method, address)
    assert (reply.status_code, reply.json()["reason"]) == (401, "token_missing")


@pytest.mark.parametrize(("method", "path"), [route for route in user_routes() if route[0] != "GET"])
def test_a_viewer_changes_nothing(plane: Plane, method: str, path: str):
    video_id, worker = plane.ready()
    before = snapshot(plane)
    address = path.replace("{video_id}", str(video_id)).replace("{job_id}", str(worker.job_id))
    headers = {"Authorization": f"Bearer {token(role='viewer')}"}
    reply = plane.http.request(method, address, headers=headers, json=BODIES.get(path))
    assert (reply.status_code, reply.json()["reason"]) == (403, "role_may_only_read")
    assert snapshot(plane) == before


@pytest.mark.parametrize(("method", "path"), user_routes())
def test_a_trailing_slash_makes_no_difference(plane: Plane, method: str, path: str):
    missing = "00000000-0000-0000-0000-000000000000"
    address = path.removeprefix("/api/v1").replace("{video_id}", missing).replace("{job_id}", missing)
    replies = [plane.call(method, address + slash, json=BODIES.get(path)) for slash in ("", "/")]
    assert replies[0].status_code == replies[1].status_code
    assert replies[0].status_code in {200, 201, 404}
