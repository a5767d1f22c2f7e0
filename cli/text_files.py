"""Files that a person asked for by name."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pipeline.errors import Invalid


def existing_file(path: Path) -> Path:
    """The file; raises `Invalid` where it is none."""
    if not path.is_file():
        raise Invalid("file_not_found", f"{path} is not a file" if path.exists() else f"there is no file {path}")
    return path


def filled_file(path: Path) -> Path:
    """The file; raises `Invalid` where it is none, or empty."""
    if existing_file(path).stat().st_size == 0:
        raise Invalid("file_empty", f"{path} is empty")
    return path


def write_text(path: Path, text: str) -> None:
    """Write the file, its folder made if need be; raises `Invalid` where that cannot be done."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    with open_for_writing(path) as file:
        file.write(content)


@contextmanager
def open_for_writing(path: Path | None) -> Iterator[IO[bytes]]:
    """The file, its folder made if need be, or stdout where none is named.

    Raises `Invalid` where that cannot be done; a file that could not be written whole is taken away again.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("wb")
    except OSError as exc:
        raise _not_writable(path, exc) from exc
    try:
        yield target
        target.close()
    except BaseException as exc:
        with suppress(OSError):
            target.close()
        if path.is_file():
            path.unlink(missing_ok=True)
        # A connection's errors are OSErrors too, without a number: they are no matter of this file.
        if isinstance(exc, OSError) and exc.errno is not None:
            raise _not_writable(path, exc) from exc
        raise


def _not_writable(path: Path, error: OSError) -> Invalid:
    return Invalid("file_not_writable", f"{path} cannot be written: {error.strerror}")
