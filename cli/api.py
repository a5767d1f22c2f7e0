"""The client of the control plane's HTTP API.

Answers other than 2xx become the errors of `pipeline.errors`, with the API's own reason and detail. Calls that may be
repeated safely are repeated for a few seconds where the API does not answer.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Generic, Self, TypeVar, cast

import requests

from cli.connection import Connection
from cli.file_piece import CHUNK_BYTES, FilePiece, Report
from cli.rows import InitReply, Job, Log, SignedPart, SignedPut, Video, WaitingJob, WorkProgress
from pipeline.errors import (
    AcademyError,
    Conflict,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Unavailable,
)
from pipeline.retrying import Patience, retrying

RowT = TypeVar("RowT")

TIMEOUT_S: Final = (5.0, 60.0)
# A PUT may wait this long between two pieces, however long the whole takes.
PUT_TIMEOUT_S: Final = (10.0, 120.0)
READING: Final = Patience(attempts=10, total_s=8.0)
# One part of a large file.
SENDING: Final = Patience(attempts=5, total_s=60.0)

ERRORS: Final[dict[int, type[AcademyError]]] = {
    400: Invalid,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    422: Invalid,
}

# Not the standard library's table, which differs from machine to machine.
CONTENT_TYPES: Final = {
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".ts": "video/mp2t",
    ".mts": "video/mp2t",
    ".m2ts": "video/mp2t",
    ".flv": "video/x-flv",
    ".3gp": "video/3gpp",
    ".wmv": "video/x-ms-wmv",
    ".ogv": "video/ogg",
}


@dataclass(frozen=True)
class NewVideo:
    """What `upload/init` is told. `size_bytes` and the type are those of the file that will be put."""

    path: Path
    title: str
    session: str | None = None
    allow_skip: bool = True
    max_speed: float = 2.0
    show_watermark: bool = False
    loudness_lufs: float | None = None
    """None leaves it to what the tenant has by default."""

    def body(self) -> dict[str, Any]:
        body = {
            "session": self.session,
            "title": self.title,
            "filename": self.path.name,
            "content_type": content_type_of(self.path),
            "size": self.path.stat().st_size,
            "allow_skip": self.allow_skip,
            "max_speed": self.max_speed,
            "show_watermark": self.show_watermark,
        }
        return body if self.loudness_lufs is None else {**body, "loudness_lufs": self.loudness_lufs}


def content_type_of(path: Path) -> str:
    """The type that the container gets in the store; `video/mp4` for a suffix that says nothing."""
    return CONTENT_TYPES.get(path.suffix.lower(), "video/mp4")


@dataclass(frozen=True)
class Page(Generic[RowT]):
    """The first rows of a list; `are_all` where there are no others."""

    rows: list[RowT]
    are_all: bool


@dataclass
class Api:
    """Opened as a context manager; holds one keep-alive connection per host."""

    connection: Connection
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __enter__(self) -> Self:
        # A proxy of the environment is for remote hosts; 127.0.0.1 must never be asked of one.
        self._session.trust_env = self.connection.remote
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def init_upload(self, video: NewVideo) -> InitReply:
        return cast("InitReply", self.post("/media/videos/upload/init", video.body()))

    def put_source(self, reply: InitReply, path: Path, report: Report) -> list[dict[str, Any]]:
        """Send the file to the addresses that `init_upload` gave; returns the parts for `complete_upload`."""
        upload = reply["upload"]
        if "parts" not in upload or not upload["parts"]:
            self._put(upload["url"], upload["headers"], FilePiece(path, 0, path.stat().st_size, report))
            return []
        part_bytes = upload["part_bytes"]
        return [self._put_part(part, path, part_bytes, report) for part in upload["parts"]]

    def complete_upload(self, video_id: str, parts: list[dict[str, Any]]) -> Video:
        """Have the upload checked; raises `Conflict` with the reason where it is refused.

        However often it is called, there is one job.
        """
        body = {"parts": parts} if parts else {}
        complete = retrying(READING, on=Unavailable)(self.post, f"/media/videos/{video_id}/upload/complete", body)
        return cast("Video", complete)

    def retry_video(self, video_id: str) -> Video:
        """A new job for a FAILED video; raises `Conflict` for one that is not to be repeated."""
        return cast("Video", self.post(f"/media/videos/{video_id}/retry", {}))

    def video(self, video_id: str) -> Video:
        return cast("Video", self.get(f"/media/videos/{video_id}"))

    def videos(self, *, limit: int = 50, **filters: str | None) -> Page[Video]:
        """Newest first. Filters: id_start, session, status, title (a part of it)."""
        return cast("Page[Video]", self.page("/media/videos", limit, filters))

    def progress(self, video_id: str) -> WorkProgress:
        return cast("WorkProgress", self.get(f"/media/videos/{video_id}/progress"))

    def job(self, job_id: str) -> Job:
        """The row with its attempts, spec, outcome and the executor's report."""
        return cast("Job", self.get(f"/jobs/{job_id}"))

    def jobs(self, *, limit: int = 50, **filters: str | None) -> Page[Job]:
        """Newest first. Filters: id_start, state, kind, asset_id, reason, ended_since, ended_until, newest."""
        return cast("Page[Job]", self.page("/jobs", limit, filters))

    def waiting_jobs(self, *, limit: int = 50) -> Page[WaitingJob]:
        """Jobs that have not begun, those that wait longest first, each with why."""
        return cast("Page[WaitingJob]", self.page("/jobs/stuck", limit, {}))

    def resubmit_job(self, job_id: str, *, force: bool) -> Job:
        """A new job with the same spec.

        Raises `Conflict` while another one is live, and without `force` also for a video that plays.
        """
        return cast("Job", self.post(f"/jobs/{job_id}/resubmit", {"force": force}))

    def cancel_job(self, job_id: str) -> Job:
        return cast("Job", self.post(f"/jobs/{job_id}/cancel", {}))

    def job_log(self, job_id: str, *, attempt: int | None, tail: int, part: int | None = None) -> Log:
        """The last lines of an attempt's log, at a part or at the job itself; None means the newest attempt."""
        return cast("Log", self.get(f"/jobs/{job_id}/logs", {"attempt": attempt, "tail": tail, "part": part}))

    def put_file(self, put: SignedPut, path: Path, report: Report) -> None:
        """Send a whole file to a presigned address; again for a while where the store does not answer."""
        piece = FilePiece(path, 0, path.stat().st_size, report)
        retrying(SENDING, on=Unavailable)(self._put, put["url"], put["headers"], piece)

    def download(self, path: str, target: IO[bytes]) -> None:
        """Write what the API answers, whatever it is, to an open file as it comes."""
        with self._send("GET", path, stream=True) as reply:
            for chunk in reply.iter_content(CHUNK_BYTES):
                target.write(chunk)

    def page(self, path: str, limit: int, filters: dict[str, str | None]) -> Page[dict[str, Any]]:
        answer = self.get(path, {**filters, "limit": limit})
        return Page(answer["items"], are_all=answer.get("next_cursor") is None)

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        set_ones = {name: value for name, value in (query or {}).items() if value is not None}
        return retrying(READING, on=Unavailable)(self._call, "GET", path, params=set_ones)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("POST", path, json=body)

    def _call(self, method: str, path: str, **more: Any) -> Any:
        return _json_of(self._send(method, path, **more))

    def _send(self, method: str, path: str, **more: Any) -> requests.Response:
        """The answer, when it is a good one; the caller closes it where it is streamed."""
        url = f"{self.connection.api_url}/api/v1{path}"
        try:
            reply = self._session.request(method, url, auth=self._sign, timeout=TIMEOUT_S, **more)
        except requests.RequestException as exc:
            raise Unavailable("api_unreachable", self._unreachable()) from exc
        if not reply.ok:
            raise error_of(reply)
        return reply

    def _unreachable(self) -> str:
        text = f"nothing answers at {self.connection.api_url} (from {self.connection.origin})."
        return text if self.connection.remote else f"{text} Start the stack with `academy up`."

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # As an `auth`, since requests would replace a plain header by what ~/.netrc says about the host.
        request.headers["Authorization"] = f"Bearer {self.connection.token}"
        return request

    def _put_part(self, part: SignedPart, path: Path, part_bytes: int, report: Report) -> dict[str, Any]:
        first = (part["number"] - 1) * part_bytes
        count = min(part_bytes, path.stat().st_size - first)
        piece = FilePiece(path, first, count, report)
        etag = retrying(SENDING, on=Unavailable)(self._put, part["url"], part["headers"], piece)
        return {"number": part["number"], "etag": etag}

    def _put(self, url: str, headers: dict[str, str], piece: "FilePiece") -> str:
        try:
            with piece:
                reply = self._session.put(url, data=piece, headers=headers, auth=_as_signed, timeout=PUT_TIMEOUT_S)
        except requests.RequestException as exc:
            piece.take_back()
            raise Unavailable("storage_unreachable", "the object store broke off the upload") from exc
        if reply.status_code >= 500:
            piece.take_back()
            raise Unavailable("storage_unreachable", f"the object store answered {reply.status_code}")
        if not reply.ok:
            raise Conflict("upload_refused", f"the object store answered {reply.status_code}: {reply.text[:300]}")
        return reply.headers.get("ETag", "").strip('"')


def _as_signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No authorization besides the presigned address."""
    return request


def _json_of(reply: requests.Response) -> Any:
    try:
        return reply.json()
    except ValueError as exc:
        raise Unavailable("api_unreadable", f"{reply.url} did not answer JSON; is it this API?") from exc


def error_of(reply: requests.Response) -> AcademyError:
    """The error that an answer other than 2xx stands for."""
    try:
        body = reply.json()
    except ValueError:
        body = {}
    reason = body.get("reason", f"http_{reply.status_code}") if isinstance(body, dict) else f"http_{reply.status_code}"
    detail = body.get("detail", "") if isinstance(body, dict) else ""
    kind = ERRORS.get(reply.status_code, Unavailable if reply.status_code >= 500 else AcademyError)
    return kind(str(reason), detail if isinstance(detail, str) else str(detail))
