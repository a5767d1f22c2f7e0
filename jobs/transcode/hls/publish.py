"""Says what is stored, in which order and as which type: a player that sees the master finds all it names."""

from collections.abc import Sequence
from pathlib import Path

from jobs.transcode.hls.layout import (
    AUDIO_FOLDER,
    IFRAME_PLAYLIST_NAME,
    MASTER_NAME,
    MEDIA_PLAYLIST_NAME,
    STORYBOARD_INDEX_NAME,
    THUMBNAIL_NAME,
)
from pipeline.contracts.envelope import OutputFile

CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".vtt": "text/vtt",
}
# Audio's init and media segments hold no pictures.
AUDIO_TYPES = {".m4s": "audio/mp4", ".mp4": "audio/mp4"}

# Later rounds name what earlier ones hold; what is not listed goes first.
ROUNDS = {
    MEDIA_PLAYLIST_NAME: 1,
    IFRAME_PLAYLIST_NAME: 1,
    STORYBOARD_INDEX_NAME: 1,
    THUMBNAIL_NAME: 1,
    MASTER_NAME: 2,
}


def list_outputs(output: Path) -> tuple[Sequence[OutputFile], ...]:
    """All files below `output`, in rounds; each round is to be stored whole before the next begins."""
    names = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    files = [describe(output, name) for name in names]
    return tuple([file for file in files if ROUNDS.get(Path(file.path).name, 0) == number] for number in range(3))


def describe(output: Path, name: str) -> OutputFile:
    """A file of the folder, as it will be stored."""
    path = output / name
    return OutputFile(path=name, size_bytes=path.stat().st_size, content_type=content_type_of(path))


def content_type_of(path: Path) -> str:
    """Raises KeyError for a file that no stream has."""
    types = CONTENT_TYPES | AUDIO_TYPES if path.parent.name == AUDIO_FOLDER else CONTENT_TYPES
    return types[path.suffix]
