"""The last lines of a log file, however large the file is."""

import os
from pathlib import Path

# A page of an operator's terminal has some hundred lines; this holds thousands.
LARGEST_TAIL_BYTES = 4 * 1024 * 1024
_BLOCK_BYTES = 64 * 1024


def read_tail(path: Path, lines: int) -> list[str] | None:
    """At most the last `lines` lines within the last `LARGEST_TAIL_BYTES`; None where there is no such file."""
    if lines <= 0:
        return [] if path.is_file() else None
    try:
        with path.open("rb") as file:
            position = file.seek(0, os.SEEK_END)
            first = max(0, position - LARGEST_TAIL_BYTES)
            tail = b""
            # One line break more than lines are wanted: the one before the first of them.
            while position > first and tail.count(b"\n") <= lines:
                size = min(_BLOCK_BYTES, position - first)
                position = file.seek(position - size)
                tail = file.read(size) + tail
    except FileNotFoundError:
        return None
    return tail.decode(errors="replace").removesuffix("\n").split("\n")[-lines:] if tail else []
