"""A template of three questions, batches of pages, and the worker that reads them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from control_plane.internal_jobs.tokens import PARTS_AUDIENCE, JobKey, mint_job_token
from pipeline.identifiers import TenantId
from tests.control_plane.plane import JOB_SECRET, TENANT, Plane, Worker

JPEG = b"\xff\xd8\xff\xe0" + b"a scanned page, as far as these tests care" * 3
PNG = b"\x89PNG\r\n\x1a\n" + b"another page" * 9
PDF = b"%PDF-1.7\n" + b"several pages" * 150
OVERLAY = b"\x89PNG\r\n\x1a\n an overlay"


def template_json(**fields: Any) -> dict[str, Any]:
    bubble = {"shape": "circle", "half_width": 2.0, "half_height": 2.0}
    return {
        "name": "Weekly test",
        "version": "1",
        "frame": {"width": 210.0, "height": 297.0, "mm_per_unit": 1.0},
        "blocks": [
            {
                "name": "questions", **bubble, "origin": [20, 40], "bubble_step": 8, "field_step": 10,
                "fields": ["q1", "q2", "q3"], "values": ["1", "2", "3", "4", "5"],
            },
            {
                "name": "student", **bubble, "origin": [120, 40], "bubbles_run": "down", "bubble_step": 8,
                "field_step": 8, "kind": "digit", "fields": ["d1", "d2"], "values": list("0123456789"),
            },
        ],
        "outputs": [{"name": "student_number", "kind": "identifier", "fields": ["d1", "d2"], "student": True}],
        **fields,
    }  # fmt: skip


def file_call(name: str, body: bytes = JPEG, content_type: str = "image/jpeg") -> dict[str, Any]:
    return {"name": name, "size": len(body), "content_type": content_type}


def batch_body(template_id: str, names: tuple[str, ...] = ("a.jpg",), **fields: Any) -> dict[str, Any]:
    return {"exam": "midterm", "template_id": template_id, "files": [file_call(name) for name in names], **fields}


def reading(file: str, page: int = 1, *, marks: str = "135", identifier: str = "42", **fields: Any) -> dict[str, Any]:
    """A sheet that was read; `marks` has a value for each question, `-` for a blank one."""
    answers = [
        {
            "question_id": f"q{number}",
            "detected": [] if mark == "-" else [mark],
            "marking": "blank" if mark == "-" else "single",
            "confidence": 0.98,
            "status": "blank" if mark == "-" else "ok",
        }
        for number, mark in enumerate(marks, start=1)
    ]
    return {
        "file": file,
        "page": page,
        "state": "read",
        "answers": answers,
        "identifier": {"name": "student_number", "value": identifier, "confidence": 0.99, "status": "ok"},
        "registration": {"method": "corners", "residual_mm": 0.12, "quarter_turns": 0},
        "review_reasons": ["ANSWER_STATUS_NOT_OK", "ANSWER_BLANK_OR_MULTI"] if "-" in marks else [],
        "overlay": f"overlays/{sum(file.encode())}-{page}.png",
        **fields,
    }


def refused(file: str, page: int = 1, reason: str = "TRUNCATED") -> dict[str, Any]:
    return {"file": file, "page": page, "state": "refused", "reason": reason, "detail": "cut off"}


def outcome(*sheets: dict[str, Any]) -> dict[str, Any]:
    return {"status": "ready", "sheets": list(sheets), "engine": "classical", "steps": []}


@dataclass
class Desk:
    """A teacher's doings with answer sheets."""

    plane: Plane
    tenant: str = TENANT

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.plane.call(method, f"/omr{path}", tenant=self.tenant, **more)

    def get(self, path: str, **params: Any) -> Any:
        reply = self.call("GET", path, params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def get_job(self, job_id: UUID) -> dict[str, Any]:
        body: dict[str, Any] = self.plane.call("GET", f"/jobs/{job_id}", tenant=self.tenant).json()
        return body

    def template(self, **fields: Any) -> str:
        reply = self.call("POST", "/templates", json={"template": template_json(**fields)})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def init(self, *names: str, **fields: Any) -> dict[str, Any]:
        reply = self.call("POST", "/batches", json=batch_body(self.template(), names or ("a.jpg",), **fields))
        assert reply.status_code == 201, reply.text
        body: dict[str, Any] = reply.json()
        return body

    def put(self, batch: dict[str, Any], body: bytes = JPEG) -> None:
        for upload in batch["uploads"]:
            reply = httpx.put(upload["url"], content=body, headers=upload["headers"], timeout=20)
            assert reply.status_code == 200, reply.text

    def complete(self, batch_id: str) -> httpx.Response:
        return self.call("POST", f"/batches/{batch_id}/complete")

    def uploaded(self, *names: str, **fields: Any) -> tuple[str, list["SheetWorker"]]:
        """A batch that is complete, with a worker for each of its jobs, which the executor has taken."""
        batch = self.init(*names, **fields)
        self.put(batch)
        reply = self.complete(batch["id"])
        assert reply.status_code == 200, reply.text
        self.plane.turn("dispatcher")
        jobs = [UUID(job["job_id"]) for job in reply.json()["jobs"]]
        return batch["id"], [SheetWorker(self.plane, job_id, tenant=self.tenant) for job_id in jobs]

    def read(self, *sheets: dict[str, Any]) -> tuple[str, "SheetWorker"]:
        """A batch that is read, of as many files as the sheets name."""
        batch_id, (worker,) = self.uploaded(*dict.fromkeys(sheet["file"] for sheet in sheets))
        worker.deliver(1, *sheets)
        return batch_id, worker

    def sheets(self, batch_id: str, **params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(f"/batches/{batch_id}/sheets", **params)["items"]
        return items

    def sheet(self, sheet_id: str) -> dict[str, Any]:
        body: dict[str, Any] = self.get(f"/sheets/{sheet_id}")
        return body


@dataclass
class SheetWorker(Worker):
    """Speaks as the attempts of one job of answer sheets, which may be the child of an array."""

    @property
    def array_id(self) -> UUID | None:
        return self.plane.job(self.job_id, self.tenant).array_id

    @property
    def index(self) -> int | None:
        return self.plane.job(self.job_id, self.tenant).array_index

    @property
    def handle(self) -> str:
        return super().handle if self.array_id is None else f"handle-{self.array_id}-parts:{self.index}"

    @property
    def path(self) -> str:
        return super().path if self.array_id is None else f"/api/v1/internal/jobs/{self.array_id}/parts/{self.index}"

    @property
    def token(self) -> str:
        if self.array_id is None:
            return super().token
        key = JobKey(TenantId(self.tenant), self.array_id)
        return mint_job_token(key, secret=JOB_SECRET, audience=PARTS_AUDIENCE)

    def store(self, attempt: int, body: dict[str, Any]) -> None:
        """What an attempt leaves in the store: overlays, then the outcome object."""
        store = self.plane.services.store
        for sheet in body["sheets"]:
            if sheet.get("overlay"):
                store.write(self.prefix(attempt) + sheet["overlay"], OVERLAY, content_type="image/png")
        self.store_outcome(attempt, body)

    def store_outcome(self, attempt: int, body: dict[str, Any]) -> None:
        text = httpx.Request("POST", "http://x", json=body).content
        self.plane.services.store.write(self.prefix(attempt) + "outcome.json", text, content_type="application/json")

    def end(self, attempt: int, body: dict[str, Any]) -> httpx.Response:
        return self.call("finish", attempt, outcome=body)

    def deliver(self, attempt: int, *sheets: dict[str, Any]) -> None:
        """Start, store, finish."""
        assert self.start(attempt).status_code == 200
        self.store(attempt, outcome(*sheets))
        reply = self.end(attempt, outcome(*sheets))
        assert reply.status_code == 200, reply.text
