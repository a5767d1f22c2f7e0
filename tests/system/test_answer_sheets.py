"""Answer sheets from the browser's upload to marks, with every process and server as in production."""

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests

from tests.fixtures.sheets import as_jpeg, as_pdf, draw_page, plain_form, random_marks
from tests.fixtures.waiting import wait_for
from tests.system.academy import Academy

FORM = plain_form(25)
SHEETS = 3
# More than a job is given: by its bytes, a file of the same page so often is taken for one page.
PAGES = 12


@pytest.fixture(scope="module")
def set_up() -> dict[str, str]:
    return {"OMR_PAGES_PER_JOB": "3", "LOCAL_WORKERS": "2"}


def jpeg(number: int) -> bytes:
    return as_jpeg(draw_page(FORM, random_marks(FORM, number), dpi=100))


@pytest.fixture
def template_id(academy: Academy) -> str:
    reply = academy.call("POST", "/omr/templates", json={"template": FORM.model_dump(mode="json")})
    assert reply.status_code == 201, reply.text
    created: str = reply.json()["id"]
    return created


def upload(academy: Academy, template_id: str, files: dict[str, tuple[bytes, str]], **fields: Any) -> str:
    """init, PUTs and complete, as a browser does; returns the batch's identifier."""
    body = {
        "exam": "midterm",
        "template_id": template_id,
        "engine": "classical",
        "files": [{"name": n, "size": len(data), "content_type": kind} for n, (data, kind) in files.items()],
        **fields,
    }
    reply = academy.call("POST", "/omr/batches", json=body)
    assert reply.status_code == 201, reply.text
    batch = reply.json()
    for put, (data, _) in zip(batch["uploads"], files.values(), strict=True):
        assert requests.put(put["url"], data=data, headers=put["headers"], timeout=30).ok
    assert academy.call("POST", f"/omr/batches/{batch['id']}/complete").status_code == 200
    batch_id: str = batch["id"]
    return batch_id


def wait_until_ended(academy: Academy, batch_id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        row: dict[str, Any] = academy.call("GET", f"/omr/batches/{batch_id}").json()
        return row if row["status"] in {"READY", "FAILED"} else None

    return wait_for(ended, f"batch {batch_id} ends")


def test_a_pile_of_scans_becomes_marks_and_a_bad_page_a_reason(academy: Academy, template_id: str):
    scans = [jpeg(number) for number in range(1, SHEETS + 1)]
    batch_id = upload(
        academy,
        template_id,
        {"scans.pdf": (as_pdf(scans), "application/pdf"), "cut.jpg": (scans[0][:9000], "image/jpeg")},
    )
    batch = wait_until_ended(academy, batch_id)
    assert (batch["status"], batch["error_reason"]) == ("READY", None)
    sheets = academy.call("GET", f"/omr/batches/{batch_id}/sheets").json()["items"]
    assert [(sheet["file"], sheet["page"], sheet["status"]) for sheet in sheets] == [
        *(("scans.pdf", page, "ANSWERS_READY") for page in range(1, SHEETS + 1)),
        ("cut.jpg", 1, "FAILED"),
    ]
    assert sheets[-1]["error_reason"] == "TRUNCATED"
    for sheet in sheets[:SHEETS]:
        marked = random_marks(FORM, sheet["page"])
        shown = academy.call("GET", f"/omr/sheets/{sheet['id']}").json()
        found = {answer["question_id"]: "".join(answer["values"]) for answer in shown["answers"]}
        assert found == {name: marked.answers.get(name, "") for name in found}
        assert len(found) == 25
        assert shown["identifier"] == marked.student
    progress = academy.call("GET", f"/omr/batches/{batch_id}/progress").json()
    assert progress["status"] == "READY"
    picture = academy.call("GET", f"/omr/sheets/{sheets[0]['id']}/overlay.png")
    assert picture.headers["content-type"] == "image/png"
    assert cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR) is not None


def cancel_at_work(academy: Academy, template_id: str) -> None:
    """Upload an array's worth, cancel it when a child runs, and see that no child does any more."""
    pile = (as_pdf([jpeg(1)] * PAGES), "application/pdf")
    with academy.held("/uploads"):
        batch_id = upload(academy, template_id, {f"{number}.pdf": pile for number in range(4)}, overlays=False)
        (first, second) = academy.call("GET", f"/omr/batches/{batch_id}").json()["jobs"]
        wait_for(lambda: academy.job(first["job_id"])["state"] == "running", "a child runs")
        cancelled = academy.call("POST", f"/omr/batches/{batch_id}/cancel").json()
        assert (cancelled["status"], cancelled["error_reason"]) == ("FAILED", "CANCELLED")
        for job_id in (first["job_id"], second["job_id"]):
            wait_for(partial(academy.ended_report, job_id), "the executor has ended it")


def kill_while_it_reads(academy: Academy, handle: str) -> None:
    process = academy.job_process(handle, 1)
    scratch = Path(process.environ()["JOB_SCRATCH"])
    wait_for(lambda: next(scratch.rglob("overlays/*.png"), None), "a page has been read")
    process.kill()


def test_of_a_batch_that_is_an_array_a_child_dies_and_is_followed_by_another_and_a_cancel_ends_all(
    academy: Academy, template_id: str
):
    scan = jpeg(1)
    files = {
        "pile.pdf": (as_pdf([scan] * PAGES), "application/pdf"),
        **{f"{number}.jpg": (jpeg(number), "image/jpeg") for number in range(1, 5)},
        "cut.jpg": (scan[:9000], "image/jpeg"),
    }

    def jobs() -> list[dict[str, Any]]:
        named = academy.call("GET", f"/omr/batches/{batch_id}").json()["jobs"]
        return [academy.job(job["job_id"]) for job in named]

    with academy.held("/uploads"):
        batch_id = upload(academy, template_id, files)
        wait_for(lambda: all(job["handle"] for job in jobs()), "the array is submitted")
        handles = [job["handle"] for job in jobs()]
        (array,) = {handle.rpartition(":")[0] for handle in handles}
        assert handles == [f"{array}:{index}" for index in range(2)]
        kill_while_it_reads(academy, handles[0])
    shown = academy.follow(f"/omr/batches/{batch_id}/progress")
    batch = academy.call("GET", f"/omr/batches/{batch_id}").json()
    assert (batch["status"], batch["counts"]["done"], batch["counts"]["refused"]) == ("READY", PAGES + 5, 1)
    assert [(job["state"], job["attempt"]) for job in jobs()] == [("succeeded", 2), ("succeeded", 1)]
    assert {answer["status"] for answer in shown} <= {"UPLOADED", "PROCESSING", "READY"}
    read = academy.call("GET", f"/omr/batches/{batch_id}/sheets", params={"limit": 200}).json()["items"]
    assert [sheet["file"] for sheet in read] == ["pile.pdf"] * PAGES + list(files)[1:]

    cancel_at_work(academy, template_id)
