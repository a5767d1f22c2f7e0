"""Bytes between this machine and presigned URLs: a download that can go on after a break, and a single PUT."""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO

import requests
import urllib3
from requests.adapters import HTTPAdapter

from pipeline.contracts.envelope import OutputFile, SignedPut
from pipeline.contracts.transcode import Source
from pipeline.errors import PermanentError, TransientError
from pipeline.reasons import Reason
from pipeline.retrying import DOWNLOAD, Patience, retrying

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
# Kept open to one store: a join fetches and sends several parts at a time.
CONNECTIONS = 20
CHUNK_BYTES = 256 * 1024
# What must stay free beside the source for the filesystem itself and for the logs.
SPARE_BYTES = 64 * 1024 * 1024

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)$")
# What a broken connection looks like from requests, from urllib3 below it, and from the socket below that.
_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)


class Interrupted(TransientError):
    """A connection broke, or the store answered with an error that passes."""


class SignatureExpired(TransientError):
    """The store refuses the signature (403); a new one may be good."""


def open_session() -> requests.Session:
    """A session for presigned URLs, which carry their own authorization and must not get another one."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
    session.auth = _no_other_authorization
    return session


def _no_other_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


@dataclass(frozen=True)
class _Part:
    """Where the body of a response lies in the object."""

    first_byte: int
    total_bytes: int


class SourceReader:
    """Reads one source by its presigned URL; every response must be of the object that the spec pins.

    Raises SOURCE_GONE (404), SOURCE_CHANGED (other ETag or size), DISK_FULL, and STORAGE_UNAVAILABLE (transient).
    """

    def __init__(self, session: requests.Session, source: Source, *, patience: Patience = DOWNLOAD) -> None:
        self._session = session
        self._source = source
        self._patience = patience

    def check(self) -> None:
        def look() -> None:
            with self._open(first_byte=0, last_byte=0) as response:
                self._part(response)

        retrying(self._patience, on=Interrupted)(look)

    def download(self, target: Path, on_bytes: Callable[[int], None]) -> None:
        """Write the source to `target`, by way of a `.part` file beside it. `on_bytes` is told the bytes so far."""
        self._refuse_a_full_disk(target.parent)
        partial = target.with_name(target.name + ".part")
        have = 0

        def read_on() -> None:
            nonlocal have
            before = have
            with partial.open("r+b" if have else "wb") as file:
                try:
                    have = self._read_from(have, file, on_bytes)
                except _BROKEN as exc:
                    have = file.tell()
                    if have > before:
                        raise _Advanced from exc
                    raise Interrupted(Reason.STORAGE_UNAVAILABLE, f"source broke off at byte {have}: {exc}") from exc

        while have < self._source.size_bytes:
            # Bytes have come: the count of failures starts anew, and it ends since the source does.
            with suppress(_Advanced):
                retrying(self._patience, on=Interrupted)(read_on)
        partial.replace(target)

    def _read_from(self, first_byte: int, file: IO[bytes], on_bytes: Callable[[int], None]) -> int:
        with self._open(first_byte=first_byte, last_byte=None) as response:
            part = self._part(response)
            # A store may answer a range with the whole object.
            file.seek(part.first_byte)
            file.truncate()
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                file.write(chunk)
                on_bytes(file.tell())
            if file.tell() != part.total_bytes:
                raise requests.ConnectionError(f"body ended at byte {file.tell()} of {part.total_bytes}")
            return part.total_bytes

    def _open(self, *, first_byte: int, last_byte: int | None) -> requests.Response:
        headers = {"Accept-Encoding": "identity"}
        if first_byte or last_byte is not None:
            headers["Range"] = f"bytes={first_byte}-{'' if last_byte is None else last_byte}"
        try:
            return self._session.get(
                self._source.url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            )
        except requests.RequestException as exc:
            raise Interrupted(Reason.STORAGE_UNAVAILABLE, f"source: {exc}") from exc

    def _part(self, response: requests.Response) -> _Part:
        """Check that the response is of the pinned object, and say which part of it."""
        status = response.status_code
        if status in {404, 410}:
            raise PermanentError(Reason.SOURCE_GONE, f"HTTP {status}")
        if status == 412:
            raise PermanentError(Reason.SOURCE_CHANGED, "HTTP 412")
        if status == 416:
            raise PermanentError(Reason.SOURCE_CHANGED, f"it has fewer bytes than {self._source.size_bytes}")
        if status == 403:
            # The next attempt gets a new signature from its `start`.
            raise TransientError(Reason.STORAGE_UNAVAILABLE, "source: HTTP 403, the signature may have expired")
        if status not in {200, 206}:
            raise Interrupted(Reason.STORAGE_UNAVAILABLE, f"source: HTTP {status}")
        # rclone's S3 server answers a range with 200, and says in its headers that it is one.
        part = _range(response) if status == 206 or "Content-Range" in response.headers else _whole(response)
        self._refuse_another_object(response, part)
        return part

    def _refuse_another_object(self, response: requests.Response, part: _Part) -> None:
        if part.total_bytes != self._source.size_bytes:
            raise PermanentError(
                Reason.SOURCE_CHANGED, f"it has {part.total_bytes} bytes, expected {self._source.size_bytes}"
            )
        if self._source.etag is None:
            return
        etag = bare_etag(response.headers.get("ETag", ""))
        if etag != bare_etag(self._source.etag):
            raise PermanentError(Reason.SOURCE_CHANGED, f"its ETag is {etag!r}, expected {self._source.etag!r}")

    def _refuse_a_full_disk(self, folder: Path) -> None:
        free = shutil.disk_usage(folder).free
        if free < self._source.size_bytes + SPARE_BYTES:
            raise PermanentError(Reason.DISK_FULL, f"{free} bytes are free, the source has {self._source.size_bytes}")


class _Advanced(Exception):
    """The connection broke after it had brought bytes."""


def bare_etag(header: str) -> str:
    """An ETag without the quotes and the weakness mark that HTTP puts around it."""
    return header.strip().removeprefix("W/").strip('"')


def _whole(response: requests.Response) -> _Part:
    length = response.headers.get("Content-Length", "")
    if not length.isdecimal():
        raise Interrupted(Reason.STORAGE_UNAVAILABLE, f"source: Content-Length {length!r}")
    return _Part(0, int(length))


def _range(response: requests.Response) -> _Part:
    header = response.headers.get("Content-Range", "")
    match = _CONTENT_RANGE.match(header)
    if match is None:
        raise Interrupted(Reason.STORAGE_UNAVAILABLE, f"source: Content-Range {header!r}")
    return _Part(int(match[1]), int(match[3]))


def put_object(session: requests.Session, put: SignedPut, body: FileIO, file: OutputFile) -> None:
    """Send `body` as the signature demands; raises `SignatureExpired` or `Interrupted` where a new try makes sense."""
    try:
        response = session.put(
            put.url,
            # requests would send an empty file in chunks, without the length that is signed.
            data=body if file.size_bytes else b"",
            headers=put.headers,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        )
    except requests.RequestException as exc:
        raise Interrupted(Reason.STORAGE_UNAVAILABLE, f"{file.path}: {exc}") from exc
    status = response.status_code
    # 412: a signature for the first write only, and the answer to that write was lost. Only this attempt writes here.
    if status in {200, 201, 204, 412}:
        return
    said = f"{file.path}: HTTP {status} {response.text[:200]}"
    if status == 403:
        raise SignatureExpired(Reason.STORAGE_UNAVAILABLE, said)
    if status >= 500 or status in {404, 408, 409, 429}:
        raise Interrupted(Reason.STORAGE_UNAVAILABLE, said)
    raise TransientError(Reason.STORAGE_UNAVAILABLE, said)
