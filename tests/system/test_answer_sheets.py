"""Answer sheets from the browser's upload to marks, with every process and server as in production."""

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
# Enough that their reading cannot be missed.
PAGES = 60


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

    return wait_for(ended, f"batch {batch_id} ends", deadline_s=90)


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


def test_a_worker_that_dies_while_it_reads_is_followed_by_another(academy: Academy, template_id: str):
    scan = jpeg(1)
    batch_id = upload(academy, template_id, {"scans.pdf": (as_pdf([scan] * PAGES), "application/pdf")}, overlays=False)
    job_id = wait_for(
        lambda: next(iter(academy.call("GET", f"/omr/batches/{batch_id}").json()["jobs"]), None),
        "the batch has a job",
        deadline_s=30,
    )["job_id"]
    process = academy.job_process(job_id, 1)
    wait_for(
        lambda: academy.call("GET", f"/jobs/{job_id}/progress").json().get("encoding_step_name") == "reading",
        "the job reads",
        deadline_s=60,
        every_s=0.02,
    )
    process.kill()
    batch = wait_until_ended(academy, batch_id)
    assert batch["status"] == "READY"
    assert batch["counts"]["done"] == PAGES
    assert academy.job(job_id)["attempt"] == 2
