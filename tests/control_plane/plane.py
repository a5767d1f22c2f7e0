"""What the tests of the control plane call it with."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from types import SimpleNamespace
from typing import Any, LiteralString, cast
from uuid import UUID

import httpx
import jwt
import uvicorn
from fastapi import FastAPI

from control_plane.app import create_app
from control_plane.background import Background, Chore
from control_plane.internal_jobs.tokens import JobKey, mint_job_token
from control_plane.metrics.opening import open_meter
from control_plane.progress.reader import open_progress_reader
from control_plane.reconciling.outcomes import prefix_of
from control_plane.services import Services
from pipeline.database.jobs import Job, find_job
from pipeline.database.pool import open_pool
from pipeline.database.videos import Video, find_video
from pipeline.errors import AcademyError
from pipeline.execution.executor import AttemptReport, JobReport, Submission
from pipeline.execution.stuck.explanation import Explanation
from pipeline.identifiers import TenantId
from pipeline.lifecycle.job_state import JobState
from pipeline.media.facts import SourceFacts
from pipeline.progress.connection import connect
from pipeline.progress.status import StatusBoard
from pipeline.settings import Settings
from pipeline.storage.opening import open_store

JWT_SECRET = "a-secret-of-the-tests-that-is-long-enough"
JOB_SECRET = "another-secret-of-the-tests-for-its-jobs"
METRICS_TOKEN = "what-the-scraper-of-the-tests-says"
TENANT = "hagwon-1"
OTHER = "hagwon-2"
SOURCE = b"the bytes of a lecture, as far as these tests care" * 100


def token(tenant: Any = TENANT, **claims: Any) -> str:
    everything = {"tenant_id": tenant, "user_id": "kim", "role": "operator", "exp": int(time.time()) + 7200, **claims}
    return jwt.encode({k: v for k, v in everything.items() if v is not None}, JWT_SECRET, algorithm="HS256")


class RecordingExecutor:
    """Takes every job and runs none; what it says of them is what a test wrote into `reports`."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.submitted: list[Submission] = []
        self.reports: dict[str, JobReport] = {}
        self.cancelled: list[tuple[str, str]] = []
        self.explanations: dict[str, Explanation] = {}
        self.failure: Exception | None = None

    def submit(self, submission: Submission) -> str:
        if self.failure is not None:
            raise self.failure
        self.submitted.append(submission)
        handle = f"handle-{submission.name}"
        self.tell(handle, JobState.SUBMITTED, attempt=1)
        return handle

    def find(self, name: str) -> str | None:
        handle = f"handle-{name}"
        return handle if handle in self.reports else None

    def describe(self, handles: Sequence[str]) -> dict[str, JobReport]:
        if self.failure is not None:
            raise self.failure
        return {handle: self.reports[handle] for handle in handles if handle in self.reports}

    def explain(self, handles: Sequence[str]) -> dict[str, Explanation]:
        if self.failure is not None:
            raise self.failure
        return {handle: self.explanations[handle] for handle in handles if handle in self.explanations}

    def list_children(self, handle: str, state: JobState, *, limit: int) -> list[str]:
        listed = (h for h, report in self.reports.items() if report.parent == handle and report.state is state)
        return sorted(listed)[:limit]

    def cancel(self, handle: str, reason: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.cancelled.append((handle, reason))

    def read_log(self, handle: str, attempt: int, *, tail_lines: int) -> list[str] | None:
        lines = ["first", "GET http://s3/bucket/key?X-Amz-Signature=abc took 1 s", "last"]
        return lines[-tail_lines:] if attempt == 1 else None

    def close(self) -> None:
        return

    def tell(
        self,
        handle: str,
        state: JobState,
        *,
        attempt: int,
        exit_codes: Sequence[int] = (),
        why: str = "",
        children: Mapping[JobState, int] | None = None,
    ) -> None:
        now = datetime.now(UTC)
        ended = tuple(AttemptReport(n, now, now, code, why) for n, code in enumerate(exit_codes, start=1))
        name = handle.removeprefix("handle-")
        self.reports[handle] = JobReport(handle, name, state, attempt, why, now, ended, children or {})


class StillBackground(Background):
    """Keeps its loops still: a test turns one of them once."""

    def __init__(self) -> None:
        super().__init__()
        self.chores: dict[str, Chore] = {}
        self.woken: list[str] = []

    def start(self, chore: Chore) -> None:
        self.chores[chore.name] = chore

    def wake(self, name: str) -> None:
        self.woken.append(name)


@dataclass
class FixedProbe:
    """Says the same of every source, and counts how often it was asked."""

    duration_s: float = 60.0
    failure: AcademyError | None = None
    calls: list[str] = field(default_factory=list)
    gate: Event | None = None

    def forget(self) -> None:
        self.duration_s, self.failure, self.gate = 60.0, None, None
        self.calls.clear()

    def __call__(self, url: str, size_bytes: int) -> SourceFacts:
        self.calls.append(url)
        if self.gate is not None:
            assert self.gate.wait(20)
        if self.failure is not None:
            raise self.failure
        # Of all that a probe tells, the control plane looks at the duration.
        return cast("SourceFacts", SimpleNamespace(duration_s=self.duration_s))


@dataclass
class Plane:
    """A control plane that answers at `url`."""

    url: str
    app: FastAPI
    services: Services
    executor: RecordingExecutor
    probe: FixedProbe
    background: StillBackground
    http: httpx.Client

    def turn(self, name: str) -> None:
        """One round of a loop."""
        self.background.chores[name].work(Event())

    def call(self, method: str, path: str, *, tenant: str = TENANT, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(tenant)}", **more.pop("headers", {})}
        return self.http.request(method, f"/api/v1{path}", headers=headers, **more)

    def init(self, *, tenant: str = TENANT, **fields: Any) -> dict[str, Any]:
        reply = self.call("POST", "/media/videos/upload/init", tenant=tenant, json=init_body(**fields))
        assert reply.status_code == 201, reply.text
        body: dict[str, Any] = reply.json()
        return body

    def put(self, upload: dict[str, Any], body: bytes = SOURCE) -> None:
        reply = httpx.put(upload["url"], content=body, headers=upload["headers"], timeout=20)
        assert reply.status_code == 200, reply.text

    def complete(self, video_id: str, *, tenant: str = TENANT) -> httpx.Response:
        return self.call("POST", f"/media/videos/{video_id}/upload/complete", tenant=tenant)

    def uploaded(self, *, tenant: str = TENANT, **fields: Any) -> tuple[UUID, UUID]:
        """A video whose upload is complete, and its job."""
        body = self.init(tenant=tenant, **fields)
        self.put(body["upload"])
        reply = self.complete(body["id"], tenant=tenant)
        assert reply.status_code == 200, reply.text
        return UUID(body["id"]), UUID(reply.json()["job_id"])

    def submitted(self, *, tenant: str = TENANT) -> tuple[UUID, "Worker"]:
        """An uploaded video whose job the executor has taken, and the worker that runs it."""
        video_id, job_id = self.uploaded(tenant=tenant)
        self.turn("dispatcher")
        return video_id, Worker(self, job_id, tenant=tenant)

    def ready(self, *, tenant: str = TENANT) -> tuple[UUID, "Worker"]:
        video_id, worker = self.submitted(tenant=tenant)
        worker.publish(1)
        return video_id, worker

    def video(self, video_id: UUID, tenant: str = TENANT) -> Video:
        with self.services.pool.connection() as connection:
            video = find_video(connection, tenant, video_id)
        assert video is not None
        return video

    def job(self, job_id: UUID, tenant: str = TENANT) -> Job:
        with self.services.pool.connection() as connection:
            job = find_job(connection, tenant, job_id)
        assert job is not None
        return job

    def fetch(self, query: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        with self.services.pool.connection() as connection:
            return connection.execute(query, values).fetchall()


@dataclass
class Worker:
    """Speaks as the attempts of one job."""

    plane: Plane
    job_id: UUID
    tenant: str = TENANT

    @property
    def handle(self) -> str:
        return f"handle-{self.job_id}"

    @property
    def path(self) -> str:
        return f"/api/v1/internal/jobs/{self.job_id}"

    @property
    def token(self) -> str:
        return mint_job_token(JobKey(TenantId(self.tenant), self.job_id), secret=JOB_SECRET)

    def call(self, name: str, attempt: int, **more: Any) -> httpx.Response:
        body = {"attempt": attempt, "handle": self.handle, **more}
        return self.plane.http.post(f"{self.path}/{name}", json=body, headers={"Authorization": f"Bearer {self.token}"})

    def start(self, attempt: int) -> httpx.Response:
        return self.call("start", attempt)

    def prefix(self, attempt: int) -> str:
        job = self.plane.job(self.job_id, self.tenant)
        return prefix_of(job, attempt)

    def store_outputs(self, attempt: int, *, outcome: str | None = None) -> None:
        """What an attempt leaves in the store before it calls `finish`."""
        store = self.plane.services.store
        prefix = self.prefix(attempt)
        store.write(prefix + "master.m3u8", b"#EXTM3U\n", content_type="application/vnd.apple.mpegurl")
        body = outcome if outcome is not None else outcome_json()
        store.write(prefix + "outcome.json", body.encode(), content_type="application/json")

    def finish(self, attempt: int) -> httpx.Response:
        return self.call("finish", attempt, outcome=outcome_body())

    def fail(self, attempt: int, reason: str = "TRUNCATED", *, permanent: bool = True, **more: Any) -> httpx.Response:
        return self.call("fail", attempt, reason=reason, permanent=permanent, **more)

    def publish(self, attempt: int) -> None:
        assert self.start(attempt).status_code == 200
        self.store_outputs(attempt)
        reply = self.finish(attempt)
        assert reply.status_code == 200, reply.text


def init_body(**fields: Any) -> dict[str, Any]:
    return {
        "title": "Vectors",
        "filename": "vectors.mp4",
        "content_type": "video/mp4",
        "size": len(SOURCE),
        "session": "lesson-1",
        **fields,
    }


def outcome_body(**fields: Any) -> dict[str, Any]:
    rendition = {
        "name": "240p",
        "width": 426,
        "height": 240,
        "frame_rate": 30.0,
        "codecs": "avc1.64001e",
        "bytes": 1000,
        "segments": 2,
        "duration_s": 60.0,
        "average_bps": 133,
        "peak_bps": 200,
        "playlist": "v1/index.m3u8",
    }
    return {
        "status": "ready",
        "duration_s": 60.0,
        "renditions": [rendition],
        "steps": [{"name": "transcoding", "seconds": 1.5}],
        "encoder": "libx264",
        "master": "master.m3u8",
        "thumbnail": "thumbnail.jpg",
        **fields,
    }


def outcome_json(**fields: Any) -> str:
    return json.dumps(outcome_body(**fields))


@contextmanager
def serve(settings: Settings) -> Iterator[Plane]:
    """Run a control plane in a thread of this process."""
    executor, probe, background = RecordingExecutor(), FixedProbe(), StillBackground()
    opened: list[Services] = []

    @contextmanager
    def open_services(settings: Settings) -> Iterator[Services]:
        assert settings.redis_url is not None
        with (
            open_pool(settings, application_name="test") as pool,
            open_store(settings) as store,
            closing(connect(settings.redis_url, connections=64)) as redis,
            open_meter(settings) as (meter, exposition),
        ):
            services = Services(
                settings=settings,
                pool=pool,
                store=store,
                executor=executor,
                board=StatusBoard(redis),
                progress=open_progress_reader(settings),
                probe=probe,
                background=background,
                meter=meter,
                exposition=exposition,
            )
            opened.append(services)
            yield services

    app = create_app(settings, open_services=open_services)
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=256))
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            # As the product's own: a connection that a slow test comes back to is not closed under its hands.
            timeout_keep_alive=75,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        http = stack.enter_context(httpx.Client(base_url=url, timeout=30, trust_env=False))
        try:
            # Connections are accepted from the first moment and answered once the app has started.
            assert http.get("/healthz").status_code == 200
            yield Plane(url, app, opened[0], executor, probe, background, http)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the server stops"
