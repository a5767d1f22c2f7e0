"""No call shows or changes what belongs to another tenant. New routes are covered as they come."""

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from control_plane.app import create_app
from control_plane.cdn.routes import router as cdn
from control_plane.health.routes import router as health
from control_plane.internal_jobs.part_routes import router as internal_parts
from control_plane.internal_jobs.routes import router as internal
from control_plane.watch.routes import router as watch
from pipeline.settings import Settings
from tests.control_plane.omr.sheets import Desk, batch_body, reading, template_json
from tests.control_plane.plane import OTHER, TENANT, Plane, init_body, token

# Without a user's token on purpose: probes, published streams, static pages, and calls with a job's own token.
OPEN = {
    route.path_format
    for router in (health, cdn, watch, internal, internal_parts)
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


MISSING = "00000000-0000-0000-0000-000000000000"
PLACE = re.compile(r"{(\w+)}")
NOT_FOUND = {f"{noun}_not_found" for noun in ("video", "job", "template", "batch", "sheet")}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/media/videos/upload/init"): init_body(),
    ("POST", "/api/v1/jobs/{job_id}/resubmit"): {"force": True},
    ("POST", "/api/v1/omr/templates"): {"template": template_json()},
    ("POST", "/api/v1/omr/batches"): batch_body(MISSING),
    ("POST", "/api/v1/omr/sheets/{sheet_id}/answers"): {"version": 1, "answers": {"q1": ["1"]}},
    ("POST", "/api/v1/omr/sheets/{sheet_id}/confirm"): {"version": 1},
}


def addressed(path: str, ids: dict[str, str]) -> str:
    """The path below /api/v1 with an identifier in each place; one that is not known is nobody's."""
    return PLACE.sub(lambda place: ids.get(place[1], MISSING), path).removeprefix("/api/v1")


def things(plane: Plane, path: str) -> dict[str, str]:
    """One of each kind that the path may name, of the first tenant. Warm: a cache must not answer another one."""
    if "/omr/" in path:
        batch_id, _ = Desk(plane).read(reading("a.jpg", marks="1-5"))
        (sheet,) = Desk(plane).sheets(batch_id)
        ((template_id,),) = plane.fetch("SELECT id::text FROM omr_templates")
        assert plane.call("GET", f"/omr/batches/{batch_id}/progress").status_code == 200
        return {"batch_id": batch_id, "sheet_id": sheet["id"], "template_id": template_id}
    video_id, worker = plane.ready()
    assert plane.call("GET", f"/media/videos/{video_id}/progress").status_code == 200
    assert plane.call("GET", f"/jobs/{worker.job_id}/progress").status_code == 200
    return {"video_id": str(video_id), "job_id": str(worker.job_id)}


def snapshot(plane: Plane) -> list[object]:
    return [
        plane.fetch("SELECT id, version, status, upload_number FROM videos WHERE tenant_id = %s ORDER BY id", TENANT),
        plane.fetch("SELECT id, version, state FROM jobs WHERE tenant_id = %s ORDER BY id", TENANT),
        plane.fetch("SELECT * FROM omr_templates WHERE tenant_id = %s ORDER BY id", TENANT),
        plane.fetch("SELECT * FROM omr_batches WHERE tenant_id = %s ORDER BY id", TENANT),
        plane.fetch("SELECT * FROM submissions WHERE tenant_id = %s ORDER BY id", TENANT),
        plane.fetch("SELECT * FROM submission_edits WHERE tenant_id = %s ORDER BY id", TENANT),
    ]


@pytest.mark.parametrize(("method", "path"), user_routes())
def test_another_tenants_things_do_not_exist(plane: Plane, method: str, path: str):
    ids = things(plane, path)
    before = snapshot(plane)
    body = BODIES.get((method, path))
    # Calls that name a thing in their body.
    if path.endswith("/upload/init"):
        body = init_body(video_id=ids["video_id"])
    if (method, path) == ("POST", "/api/v1/omr/batches"):
        body = batch_body(ids["template_id"])
    reply = plane.call(method, addressed(path, ids), tenant=OTHER, json=body)
    if (method, path) == ("POST", "/api/v1/omr/templates"):
        assert reply.status_code == 201, "each tenant has names of its own"
        assert reply.json()["id"] != ids["template_id"]
    elif method == "GET" and "{" not in path:
        assert reply.json() == {"items": [], "next_cursor": None}
    else:
        assert reply.status_code == 404, reply.text
        assert reply.json()["reason"] in NOT_FOUND
    assert snapshot(plane) == before


@pytest.mark.parametrize(("method", "path"), user_routes())
def test_no_route_answers_without_a_token(plane: Plane, method: str, path: str):
    reply = plane.http.request(method, f"/api/v1{addressed(path, {})}")
    assert (reply.status_code, reply.json()["reason"]) == (401, "token_missing")


@pytest.mark.parametrize(("method", "path"), [route for route in user_routes() if route[0] != "GET"])
def test_a_viewer_changes_nothing(plane: Plane, method: str, path: str):
    address = f"/api/v1{addressed(path, things(plane, path))}"
    before = snapshot(plane)
    headers = {"Authorization": f"Bearer {token(role='viewer')}"}
    reply = plane.http.request(method, address, headers=headers, json=BODIES.get((method, path)))
    assert (reply.status_code, reply.json()["reason"]) == (403, "role_may_only_read")
    assert snapshot(plane) == before


@pytest.mark.parametrize(("method", "path"), user_routes())
def test_a_trailing_slash_makes_no_difference(plane: Plane, method: str, path: str):
    address, body = addressed(path, {}), BODIES.get((method, path))
    replies = [plane.call(method, address + slash, json=body) for slash in ("", "/")]
    assert replies[0].status_code == replies[1].status_code
    assert replies[0].status_code in {200, 201, 404}
