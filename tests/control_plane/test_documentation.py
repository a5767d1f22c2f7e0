"""What /openapi.json promises is what the API does: a front end is generated from it, or written by it."""

from typing import Any
from uuid import UUID

import pytest

from control_plane.app import create_app
from control_plane.jobs.replies import JobProgress
from control_plane.omr.replies import BatchProgress
from control_plane.replies import WorkProgress
from control_plane.videos.complete import CompleteCall
from control_plane.videos.replies import VideoProgress
from pipeline.settings import Settings
from tests.control_plane.omr.sheets import Desk, reading
from tests.control_plane.plane import Plane

PAGE = {"Origin": "https://front.example"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    app = create_app(Settings(jwt_secret="x" * 40), open_services=lambda _: None)  # type: ignore[arg-type,return-value]
    return app.openapi()


def operations(schema: dict[str, Any], below: str) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        if path.startswith(below)
        for method, operation in methods.items()
    }


def test_every_call_says_whose_token_it_needs(schema: dict[str, Any]):
    schemes = schema["components"]["securitySchemes"]
    assert {scheme["scheme"] for scheme in schemes.values()} == {"bearer"}
    for name, operation in operations(schema, "/api/v1/").items():
        expected = "job" if "/internal/" in name else "token"
        assert operation["security"] == [{expected: []}], name
    for name, operation in (operations(schema, "/cdn") | operations(schema, "/healthz")).items():
        assert "security" not in operation, name


def test_every_failure_that_a_call_may_end_in_has_the_one_shape(schema: dict[str, Any]):
    shapes = {"#/components/schemas/Failure", "#/components/schemas/Outdated"}
    for name, operation in operations(schema, "/api/v1/").items():
        failures = {code: reply for code, reply in operation["responses"].items() if code[0] in "45"}
        wanted = {"401", "404", "422", "503"} | ({"403"} if name.startswith("POST") else set())
        assert wanted <= failures.keys(), name
        for reply in failures.values():
            assert reply["content"]["application/json"]["schema"]["$ref"] in shapes, name
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_every_call_says_what_it_is_for_and_every_answer_has_named_fields(schema: dict[str, Any]):
    for name, operation in operations(schema, "/api/v1/").items():
        if "/internal/" not in name:
            assert operation["description"].rstrip().endswith("."), name
        (good,) = (reply for code, reply in operation["responses"].items() if code[0] == "2")
        for kind, content in good.get("content", {}).items():
            assert kind != "application/json" or "$ref" in content["schema"], name
    whole, in_parts = schema["components"]["schemas"]["VideoWithUpload"]["properties"]["upload"]["anyOf"]
    assert (whole["$ref"], in_parts["$ref"]) == (
        "#/components/schemas/WholeUpload",
        "#/components/schemas/UploadInParts",
    )


def progress_paths(plane: Plane, model: type[WorkProgress]) -> list[str]:
    """The first of work that has ended."""
    if model is BatchProgress:
        batch_id, _ = Desk(plane).read(reading("a.jpg", marks="1-5"))
        return [f"/omr/batches/{batch_id}/progress"]
    ready, worker = plane.ready()
    waiting, job_id = plane.uploaded()
    if model is JobProgress:
        return [f"/jobs/{job}/progress" for job in (worker.job_id, job_id)]
    return [f"/media/videos/{video}/progress" for video in (ready, waiting)]


@pytest.mark.parametrize("model", [VideoProgress, JobProgress, BatchProgress])
def test_progress_has_the_documented_fields(plane: Plane, model: type[WorkProgress]):
    paths = progress_paths(plane, model)
    answers = [plane.call("GET", path).json() for path in paths]
    assert answers[0].keys() == model.model_fields.keys()
    for answer in answers:
        assert WorkProgress.model_fields.keys() <= answer.keys() <= model.model_fields.keys()
        assert model.model_validate(answer).model_dump(mode="json", exclude_unset=True) == answer


def test_a_page_of_another_origin_may_call_and_reads_every_answer(plane: Plane):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    allowed = plane.http.options("/api/v1/media/videos/upload/init", headers=PAGE | asked)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    assert {"Authorization", "Content-Type"} <= set(allowed.headers["Access-Control-Allow-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    for path, status in (("/api/v1/jobs", 401), ("/api/v1/nothing", 404)):
        refused = plane.http.get(path, headers=PAGE)
        assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (status, "*")
        assert "X-Request-ID" in refused.headers["Access-Control-Expose-Headers"]


def test_a_page_of_another_origin_may_read_the_answer_to_a_bug(plane: Plane, monkeypatch: pytest.MonkeyPatch):
    _, worker = plane.submitted()

    def bug(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(plane.executor, "describe", bug)
    reply = plane.call("GET", f"/jobs/{worker.job_id}", headers=PAGE)
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (500, "*")


@pytest.mark.parametrize("etag", ["9b2cf5", '"9b2cf5"'])
def test_an_etag_counts_with_and_without_the_quotes_that_a_browser_reads(etag: str):
    call = CompleteCall.model_validate({"parts": [{"number": 1, "etag": etag}]})
    assert call.parts[0].etag == "9b2cf5"


def test_a_wrong_field_is_told_with_its_value(plane: Plane):
    reply = plane.call("GET", "/media/videos?status=DONE")
    assert reply.json()["detail"].startswith("query.status: 'DONE': Input should be 'PENDING'")
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJlc2lnbmF0dXJl"
    told = plane.call("GET", f"/jobs/{secret}{'x' * 1000}").json()["detail"]
    assert secret not in told
    assert len(told) < 400


def test_a_refused_upload_says_why_in_words(plane: Plane):
    body = plane.init()
    reply = plane.call("POST", f"/media/videos/{body['id']}/upload/complete")
    assert (reply.status_code, reply.json()["reason"]) == (409, "source_not_found_or_empty")
    row = plane.call("GET", f"/media/videos/{UUID(body['id'])}").json()
    assert row["error_message"]["en"] == "No file has arrived, or it is empty."
