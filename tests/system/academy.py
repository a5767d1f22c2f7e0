"""A whole installation for one test: real servers, a control plane process, its executor and its jobs."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import psutil
import requests

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

from tests.fixtures.proxies import Hold, HttpProxy, TcpLine, forward_all
from tests.fixtures.waiting import wait_for

ROOT = Path(__file__).parents[2]
JWT_SECRET = "a-secret-of-the-tests-that-is-long-enough"
TENANT = "hagwon-1"
ENDED = {"READY", "FAILED"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def token(tenant: str = TENANT, role: str = "operator") -> str:
    claims = {"tenant_id": tenant, "user_id": "kim", "role": role, "exp": int(time.time()) + 3600}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


@dataclass(frozen=True)
class EncodingJob:
    video_id: str
    job_id: str
    process: psutil.Process


@dataclass
class Academy:
    """`environment` names the servers; `api` is the proxy through which the jobs reach the control plane."""

    data: Path
    port: int
    environment: dict[str, str]
    api: HttpProxy
    s3: HttpProxy
    redis: TcpLine
    s3_client: "S3Client"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        log = (self.data / "control_plane.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "control_plane"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        wait_for(self._is_ready, f"the control plane is ready; see {log.name}")

    def make_whole(self, environment: dict[str, str]) -> None:
        """No fault is left, and of a test that has failed neither a dead control plane nor a job at work."""
        for proxy in (self.api, self.s3):
            proxy.rule = forward_all
            proxy.seen.clear()
        self.redis.mend()
        # After an outage the API leaves Redis alone for some seconds, in which it knows no steps.
        if self.environment != environment or self.redis.was_cut:
            self.redis.was_cut = False
            self.environment = environment
            self.restart()
        elif self.process is not None and self.process.poll() is not None:
            self.start()
        for job in self.jobs():
            if job["state"] not in {"succeeded", "failed"}:
                self.call("POST", f"/jobs/{job['id']}/cancel")

    def restart(self, **settings: str) -> None:
        """Stop in good order and start again with other settings."""
        self.stop()
        self.environment |= settings
        self.start()

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.data / "control_plane.log").read_text()
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """The control plane dies at once, as by a power cut; its jobs live on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=30)

    def source_key(self, video_id: str) -> str:
        prefix = f"tenants/{TENANT}/videos/{video_id}/source/"
        (found,) = self.s3_client.list_objects_v2(Bucket=self.environment["S3_BUCKET"], Prefix=prefix)["Contents"]
        return found["Key"]

    def write_object(self, key: str, body: bytes) -> None:
        self.s3_client.put_object(Bucket=self.environment["S3_BUCKET"], Key=key, Body=body)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {more.pop('token', None) or token()}"}
        return requests.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=60, **more)

    def put_source(self, source: Path) -> str:
        """init and PUT, as a browser does; returns the video's identifier."""
        body = {
            "title": source.stem,
            "filename": source.name,
            "content_type": "video/mp4",
            "size": source.stat().st_size,
            "session": "lesson-1",
        }
        reply = self.call("POST", "/media/videos/upload/init", json=body)
        assert reply.status_code in {200, 201}, reply.text
        upload = reply.json()["upload"]
        put = requests.put(upload["url"], data=source.read_bytes(), headers=upload["headers"], timeout=60)
        assert put.ok, put.text
        video_id: str = reply.json()["id"]
        return video_id

    def complete(self, video_id: str) -> requests.Response:
        return self.call("POST", f"/media/videos/{video_id}/upload/complete", json={})

    def upload(self, source: Path) -> str:
        video_id = self.put_source(source)
        reply = self.complete(video_id)
        assert reply.status_code == 200, reply.text
        return video_id

    def video(self, video_id: str) -> dict[str, Any]:
        reply = self.call("GET", f"/media/videos/{video_id}")
        assert reply.status_code == 200, reply.text
        row: dict[str, Any] = reply.json()
        return row

    def progress(self, video_id: str) -> dict[str, Any]:
        reply = self.call("GET", f"/media/videos/{video_id}/progress")
        assert reply.status_code == 200, reply.text
        answer: dict[str, Any] = reply.json()
        return answer

    def follow(self, path: str) -> list[dict[str, Any]]:
        """Each answer of a progress call that differs from the one before, to that which says READY or FAILED."""
        shown: list[dict[str, Any]] = [self.call("GET", path).json()]

        def goes_on() -> dict[str, Any] | None:
            answer: dict[str, Any] = self.call("GET", path).json()
            return answer if answer != shown[-1] else None

        while shown[-1]["status"] not in ENDED:
            shown.append(wait_for(goes_on, f"it goes on from {shown[-1]}"))
        return shown

    def jobs(self) -> list[dict[str, Any]]:
        """Newest first."""
        reply = self.call("GET", "/jobs")
        assert reply.status_code == 200, reply.text
        items: list[dict[str, Any]] = reply.json()["items"]
        return items

    def job(self, job_id: str) -> dict[str, Any]:
        row: dict[str, Any] = self.call("GET", f"/jobs/{job_id}").json()
        return row

    def ended_report(self, job_id: str) -> dict[str, Any] | None:
        """What the executor says of a job, once its process has ended."""
        report: dict[str, Any] = self.job(job_id)["executor"]
        return report if report["state"] in {"succeeded", "failed"} else None

    def wait_until_ended(self, video_id: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            row = self.video(video_id)
            return row if row["status"] in ENDED else None

        return wait_for(ended, f"video {video_id} ends")

    def job_process(self, job_id: str, attempt: int) -> psutil.Process:
        """The process of `python -m jobs.…` for this attempt, once it runs."""
        return wait_for(lambda: find_job_process(job_id, attempt), f"attempt {attempt} of {job_id} runs")

    @contextmanager
    def held(self, call: str) -> Iterator[Hold]:
        """Jobs that make this call to the control plane, such as `/uploads`, wait in it until the block is left."""
        hold = Hold(call)
        self.api.rule = hold
        try:
            yield hold
        finally:
            hold.open()
            self.api.rule = forward_all

    @contextmanager
    def encoding(self, source: Path) -> Iterator[EncodingJob]:
        """Upload, and come when the job has its first segments; it cannot end before the block is left."""
        with self.held("/uploads") as hold:
            video_id = self.upload(source)
            job_id = self.jobs()[0]["id"]
            process = self.job_process(job_id, 1)
            wait_for(lambda: hold.has_come, "the job has its first segments")
            yield EncodingJob(video_id, job_id, process)


def find_job_process(job_id: str, attempt: int) -> psutil.Process | None:
    """By the identifier of a job, or by a handle."""
    for process in psutil.process_iter():
        try:
            if not {"jobs.transcode", "jobs.omr"} & set(process.cmdline()):
                continue
            environment = process.environ()
        except psutil.Error:
            continue
        named = {environment.get("JOB_ID"), environment.get("AWS_BATCH_JOB_ID")}
        if job_id in named and environment.get("AWS_BATCH_JOB_ATTEMPT") == str(attempt):
            return process
    return None


def base_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
