"""A presigned URL as a seekable Python file, with a bound on how much of it is ever read."""

import io
from collections import OrderedDict
from types import TracebackType
from typing import TYPE_CHECKING, Self

import requests

from pipeline.errors import JobError, PermanentError, TransientError
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 256 * 1024
KEPT_BLOCKS = 64
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0


class RangedReader(io.RawIOBase):
    """Reads blocks by ranged GETs and keeps the last few.

    What fails is raised and kept in `failure`, since FFmpeg turns errors of a custom reader into errors of its own.
    After `max_read_bytes` reads end as at the end of the file, and `exhausted` is true.
    """

    def __init__(self, url: str, size_bytes: int, max_read_bytes: int) -> None:
        self.failure: JobError | None = None
        self.exhausted = False
        self._url = url
        self._size = size_bytes
        self._left = max_read_bytes
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        if self._position >= self._size:
            return 0
        number, skip = divmod(self._position, BLOCK_BYTES)
        data = self._block(number)[skip : skip + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        if self._left <= 0:
            self.exhausted = True
            return b""
        try:
            data = self._fetch(number * BLOCK_BYTES)
        except JobError as error:
            self.failure = error
            raise
        self._left -= len(data)
        self._blocks[number] = data
        if len(self._blocks) > KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return data

    def _fetch(self, start: int) -> bytes:
        end = min(start + BLOCK_BYTES, self._size)
        try:
            with self._session.get(
                self._url,
                headers={"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"},
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as answer:
                is_this_range = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-{end - 1}/")
                match answer.status_code:
                    # rclone's S3 server says 200 and sends the range all the same.
                    case 206 | 200 if is_this_range:
                        data = answer.raw.read(end - start)
                    case 403 | 404 | 410:
                        raise PermanentError(Reason.SOURCE_GONE, f"the store answered {answer.status_code}")
                    case 416:
                        raise PermanentError(Reason.SOURCE_CHANGED, f"the source has less than {end} bytes")
                    case status:
                        raise TransientError(Reason.STORAGE_UNAVAILABLE, f"the store answered {status} to a range")
        # requests' messages hold the URL, which is a secret.
        except requests.RequestException as error:
            raise TransientError(Reason.STORAGE_UNAVAILABLE, type(error).__name__) from None
        if len(data) != end - start:
            raise TransientError(Reason.STORAGE_UNAVAILABLE, f"{len(data)} of {end - start} bytes came")
        return bytes(data)
