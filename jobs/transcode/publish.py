"""Says what is stored, in which order and as which type: a player that sees the master finds all it names."""

from collections.abc import Sequence
from pathlib import Path

from jobs.transcode.layout import INIT_NAME, MASTER_NAME, MEDIA_PLAYLIST_NAME, THUMBNAIL_NAME
from pipeline.contracts.envelope import OutputFile

CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
}
AUDIO_INIT_TYPE = "audio/mp4"

# Later rounds name what earlier ones hold.
ROUNDS: tuple[tuple[str, ...], ...] = ((INIT_NAME,), (MEDIA_PLAYLIST_NAME, THUMBNAIL_NAME), (MASTER_NAME,))


def list_outputs(output: Path) -> tuple[Sequence[OutputFile], ...]:
    """All files below `output`, in rounds; each round is to be stored whole before the next begins."""
    names = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    files = [describe(output, name) for name in names]
    named = {MEDIA_PLAYLIST_NAME: 1, THUMBNAIL_NAME: 1, MASTER_NAME: 2}
    return tuple([file for file in files if named.get(Path(file.path).name, 0) == number] for number in range(3))


def describe(output: Path, name: str) -> OutputFile:
    """A file of the folder, as it will be stored."""
    path = output / name
    return OutputFile(path=name, size_bytes=path.stat().st_size, content_type=CONTENT_TYPES[path.suffix])
