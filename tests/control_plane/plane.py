"""What the tests of the control plane call it with."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any, LiteralString
from uuid import UUID

import httpx
import jwt
import uvicorn
from fastapi import FastAPI

from control_plane.app import create_app
from control_plane.internal_jobs.tokens import JobKey, mint_job_token
from control_plane.metrics.opening import open_meter
from control_plane.progress.reader import open_progress_reader
from control_plane.reconciling.outcomes import prefix_of
from control_plane.services import Services
from pipeline.database.jobs import Job, find_job
from pipeline.database.pool import open_pool
from pipeline.database.videos import Video, find_video
from pipeline.identifiers import TenantId
from pipeline.progress.connection import connect
from pipeline.progress.status import StatusBoard
from pipeline.settings import Settings
from pipeline.storage.opening import open_store
from tests.control_plane.outcomes import outcome_body, outcome_json
from tests.control_plane.stand_ins import FixedProbe, RecordingExecutor, StillBackground

JWT_SECRET = "a-secret-of-the-tests-that-is-long-enough"
JOB_SECRET = "another-secret-of-the-tests-for-its-jobs"
METRICS_TOKEN = "what-the-scraper-of-the-tests-says"
TENANT = "hagwon-1"
OTHER = "hagwon-2"
SOURCE = b"the bytes of a lecture, as far as these tests care" * 100


def token(tenant: Any = TENANT, **claims: Any) -> str:
    everything = {"tenant_id": tenant, "user_id": "kim", "role": "operator", "exp": int(time.time()) + 7200, **claims}
    return jwt.encode({k: v for k, v in everything.items() if v is not None}, JWT_SECRET, algorithm="HS256")


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
