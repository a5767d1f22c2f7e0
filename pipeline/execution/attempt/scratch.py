"""The folder that an attempt works in."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_scratch(parent: Path | None) -> Iterator[Path]:
    """An empty folder below `parent` (the system's own temporary folder without one), removed at the end."""
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="attempt-", dir=parent))
    try:
        yield folder
    finally:
        # What cannot be removed here goes with the container, or with the local executor's sweep.
        shutil.rmtree(folder, ignore_errors=True)
