"""A piece of a file as the body of a request."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final, Self

CHUNK_BYTES: Final = 1024 * 1024

Report = Callable[[int], None]
"""Called with the number of bytes that have just been sent; negative where a failed piece is sent again."""


class FilePiece:
    """`count` bytes of a file from `first` on, as a request body of known length that reports what was read."""

    def __init__(self, path: Path, first: int, count: int, report: Report) -> None:
        self._path, self._first, self._count, self._report = path, first, count, report
        self._left = count
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open("rb")
        self._file.seek(self._first)
        self._left = self._count
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK_BYTES):
            yield chunk

    def read(self, count: int = -1) -> bytes:
        assert self._file is not None
        wanted = self._left if count < 0 else min(count, self._left)
        chunk = self._file.read(min(wanted, CHUNK_BYTES))
        self._left -= len(chunk)
        if chunk:
            self._report(len(chunk))
        return chunk

    def take_back(self) -> None:
        """Un-report what was sent, before it is sent again."""
        self._report(self._left - self._count)
