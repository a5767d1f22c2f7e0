"""Files that a person asked for by name."""

from pathlib import Path

from pipeline.errors import Invalid


def write_text(path: Path, text: str) -> None:
    """Write the file, its folder made if need be; raises `Invalid` where that cannot be done."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as exc:
        raise Invalid("file_not_writable", f"{path} cannot be written: {exc.strerror}") from exc
