"""An API whose answers a test writes down, for states that the real one is seldom in."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ScriptedApi:
    """`answers` by method and path, below /api/v1; of several, each is given once and the last for ever."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)

    def on(self, call: str, *answers: Any, status: int = 200) -> None:
        """`on("GET /jobs", {...})`; a pair is a status and a body."""
        self.answers[call] = [a if isinstance(a, tuple) else (status, a) for a in answers]

    def calls(self, call: str) -> list[Request]:
        return [r for r in self.seen if f"{r.method} {r.path}" == call]

    def answer(self, request: Request) -> Answer:
        self.seen.append(request)
        answers = self.answers.get(f"{request.method} {request.path}")
        if answers is None:
            return 404, {"reason": "not_scripted", "detail": f"{request.method} {request.path}"}
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def open_scripted_api() -> Iterator[ScriptedApi]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = urlsplit(self.path)
            path = address.path.removeprefix("/api/v1")
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, path, dict(parse_qsl(address.query)), headers, body)
            status, value = api.answer(request)
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"etag-of-it"')
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api = ScriptedApi(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


VIDEO_ID = "3f9c2a1b-0000-4000-8000-000000000001"
JOB_ID = "5d1e77c0-0000-4000-8000-000000000001"


def video(**changes: Any) -> dict[str, Any]:
    return {
        "id": VIDEO_ID,
        "title": "Algebra [3]",
        "session": "algebra",
        "status": "READY",
        "error_reason": None,
        "duration": 61.0,
        "hls_url": "http://cdn/master.m3u8?v=1",
        "thumbnail_url": None,
        "renditions": [rendition()],
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": "2026-01-02T03:04:05+00:00",
    } | changes


def rendition() -> dict[str, Any]:
    return {
        "name": "720p",
        "width": 1280,
        "height": 720,
        "frame_rate": 29.97,
        "codecs": "avc1.64001f",
        "bytes": 12_345_678,
        "segments": 16,
        "duration_s": 61.0,
        "average_bps": 1_619_105,
        "peak_bps": 2_000_000,
        "playlist": "v3/index.m3u8",
    }


def job(**changes: Any) -> dict[str, Any]:
    return {
        "id": JOB_ID,
        "kind": "transcode",
        "asset_id": VIDEO_ID,
        "state": "succeeded",
        "attempt": 2,
        "handle": "handle-1",
        "reason": None,
        "detail": "",
        "created_at": "2026-01-02T03:04:05+00:00",
        "started_at": "2026-01-02T03:04:06+00:00",
        "ended_at": "2026-01-02T03:05:11+00:00",
        "attempts": [
            {
                "attempt": 1,
                "started_at": "2026-01-02T03:04:06+00:00",
                "ended_at": "2026-01-02T03:04:16+00:00",
                "ending": "retry",
                "exit_code": 75,
                "reason": "TERMINATED",
                "detail": "",
                "steps": [],
            },
            {
                "attempt": 2,
                "started_at": "2026-01-02T03:04:20+00:00",
                "ended_at": "2026-01-02T03:05:11+00:00",
                "ending": "succeeded",
                "exit_code": 0,
                "reason": None,
                "detail": "",
                "steps": [{"name": "probing", "seconds": 1.5}, {"name": "transcoding", "seconds": 40.25}],
            },
        ],
        "spec": {"segment_s": 4},
        "outcome": {"status": "ready", "encoder": "libx264", "renditions": [rendition()]},
        "executor": {"state": "succeeded", "status_reason": "Essential container exited"},
    } | changes
