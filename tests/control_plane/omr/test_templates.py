"""A template's name and version stand for one content, and its pictures are put beside it."""

from typing import Any

import httpx
import pytest

from tests.control_plane.omr.sheets import PNG, Desk, batch_body, file_call, template_json

MARKER = {"kind": "marker_image", "picture": "marker.png"}
MARKER_FILE = file_call("marker.png", PNG, "image/png")


def create(desk: Desk, template: dict[str, Any], *pictures: dict[str, Any]) -> httpx.Response:
    return desk.call("POST", "/templates", json={"template": template, "pictures": list(pictures)})


def test_a_template_is_stored_shown_and_listed(desk: Desk):
    reply = create(desk, template_json())
    assert reply.status_code == 201
    created = reply.json()
    assert (created["name"], created["version"], created["student"]) == ("Weekly test", "1", "student_number")
    assert (created["questions"], created["identifiers"]) == (["q1", "q2", "q3"], ["student_number"])
    shown = desk.get(f"/templates/{created['id']}")
    assert shown["template"] == created["template"]
    (row,) = desk.get("/templates")["items"]
    assert row == {name: value for name, value in shown.items() if name != "template"}


def test_the_same_template_again_is_the_same_row_and_another_content_is_refused(desk: Desk):
    first = create(desk, template_json()).json()
    assert create(desk, template_json()).json()["id"] == first["id"]
    other = create(desk, template_json(rules={"tick": "review"}))
    assert (other.status_code, other.json()["reason"]) == (409, "template_exists")
    assert create(desk, template_json(version="2")).json()["id"] != first["id"]
    assert len(desk.get("/templates")["items"]) == 2


def test_pages_of_the_list_follow_each_other(desk: Desk):
    ids = [create(desk, template_json(version=str(n))).json()["id"] for n in range(3)]
    first = desk.get("/templates", limit=2)
    second = desk.get("/templates", limit=2, cursor=first["next_cursor"])
    assert [row["id"] for row in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("template", "pictures", "reason"),
    [
        (template_json(fiducials=[MARKER]), [], "pictures_do_not_match"),
        (template_json(), [MARKER_FILE], "pictures_do_not_match"),
        (template_json(fiducials=[MARKER]), [MARKER_FILE, MARKER_FILE], "file_named_twice"),
        (template_json(fiducials=[MARKER]), [{**MARKER_FILE, "content_type": "text/html"}], "content_type_not_allowed"),
        (template_json(fiducials=[MARKER]), [{**MARKER_FILE, "size": 10**9}], "size_too_large"),
        (template_json(blocks=[]), [], "request_invalid"),
        (template_json(name="a\x00b"), [], "request_invalid"),
    ],
)
def test_a_template_is_refused(desk: Desk, template: dict[str, Any], pictures: list[dict[str, Any]], reason: str):
    reply = create(desk, template, *pictures)
    assert (reply.status_code, reply.json()["reason"]) == (422, reason)
    assert desk.get("/templates")["items"] == []


def test_a_template_of_a_hundred_million_bubbles_is_refused_before_it_is_expanded(desk: Desk):
    names = [f"f{n}" for n in range(1000)]
    block = {**template_json()["blocks"][0], "fields": names, "values": [str(n) for n in range(200)]}
    reply = create(desk, template_json(blocks=[{**block, "name": f"b{n}"} for n in range(500)], outputs=[]))
    assert (reply.status_code, reply.json()["reason"]) == (422, "request_invalid")
    assert "at most 20000 bubbles" in reply.json()["detail"]


def test_the_first_complete_pins_the_templates_pictures_and_without_them_it_is_refused(desk: Desk):
    created = create(desk, template_json(fiducials=[MARKER]), MARKER_FILE).json()
    batch = desk.call("POST", "/batches", json=batch_body(created["id"])).json()
    desk.put(batch)
    missing = desk.complete(batch["id"])
    assert (missing.status_code, missing.json()["reason"]) == (409, "template_picture_missing")
    desk.put(created, PNG)
    assert desk.complete(batch["id"]).status_code == 200
    (picture,) = desk.get(f"/templates/{created['id']}")["pictures"]
    assert picture == {"name": "marker.png", "content_type": "image/png", "size": len(PNG), "is_there": True}
    again = create(desk, template_json(fiducials=[MARKER]), MARKER_FILE).json()
    assert again["uploads"] == [], "what is pinned is not put again"
