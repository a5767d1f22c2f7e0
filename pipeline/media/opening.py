"""Opens a source with FFmpeg so that it can reach nothing but that source. For sandboxed children only."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.errors import PermanentError
from pipeline.media.sniff import FORMATS, HEAD_BYTES, looks_encrypted, refuse_by_head
from pipeline.media.transport_stream import torn_bytes
from pipeline.reasons import Reason

# FFmpeg's words for data that no decoder of ours can make sense of, and for what it was built without.
UNREADABLE = (av.error.InvalidDataError, av.error.EOFError, av.error.PatchWelcomeError, av.error.LookupError)
# moov of a fragmented file is small and first; the sample entry's `encv` is in it.
ENCRYPTION_BYTES = 256 * 1024


@contextmanager
def open_source(source: Path | io.RawIOBase, *, max_streams: int) -> Iterator[InputContainer]:
    """A sniffed and opened container; raises `PermanentError` for what is no video file."""
    head, size_bytes = _read_head(source)
    refuse_by_head(head[:HEAD_BYTES])
    # A reader has no protocol of its own; with no name on the list FFmpeg can open nothing else either.
    address = f"file:{source}" if isinstance(source, Path) else source
    options = {
        "format_whitelist": ",".join(FORMATS),
        "protocol_whitelist": "file" if isinstance(source, Path) else "none",
    }
    try:
        container = av.open(address, "r", options=options, metadata_errors="replace")
    except MemoryError:
        raise
    except (*UNREADABLE, av.error.ArgumentError, av.error.OSError, ValueError) as error:
        if looks_encrypted(head):
            raise PermanentError(Reason.ENCRYPTED, "the sample description says so") from error
        raise PermanentError(Reason.NOT_MEDIA, _words(error)) from error
    with container:
        if len(container.streams) > max_streams:
            raise PermanentError(Reason.TOO_MANY_STREAMS, f"{len(container.streams)} streams, at most {max_streams}")
        torn = torn_bytes(head, size_bytes) if container.format.name == "mpegts" else 0
        if torn:
            raise PermanentError(Reason.TRUNCATED, f"the file ends {torn} bytes into a packet")
        yield container


def _read_head(source: Path | io.RawIOBase) -> tuple[bytes, int]:
    """The first bytes and the size; a reader is back at its start."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return file.read(ENCRYPTION_BYTES), source.stat().st_size
    head = source.read(ENCRYPTION_BYTES) or b""
    size_bytes = source.seek(0, io.SEEK_END)
    source.seek(0)
    return head, size_bytes


def _words(error: Exception) -> str:
    """FFmpeg's sentence without the path, which is ours and tells a user nothing."""
    return getattr(error, "strerror", None) or type(error).__name__


def find_video(container: InputContainer, *, max_pixels: int) -> VideoStream:
    """The picture track that a player would choose; cover pictures are none.

    Raises NO_VIDEO_STREAM, UNSUPPORTED_CODEC or DIMENSIONS_EXCEEDED.
    """
    tracks = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not tracks:
        raise PermanentError(Reason.NO_VIDEO_STREAM, f"{len(container.streams)} streams, none with a moving picture")
    readable = [s for s in tracks if _has_decoder(s)]
    if not readable:
        raise PermanentError(Reason.UNSUPPORTED_CODEC, f"no decoder for {tracks[0].codec_tag!r}")
    best = container.streams.best("video")
    stream = best if best in readable else readable[0]
    pixels = stream.codec_context.width * stream.codec_context.height
    if pixels > max_pixels:
        raise PermanentError(
            Reason.DIMENSIONS_EXCEEDED,
            f"{stream.codec_context.width}x{stream.codec_context.height}, at most {max_pixels} pixels",
        )
    # Only options set here, before the first decode, reach the decoder: it refuses what the header lied about.
    stream.codec_context.options = {"max_pixels": str(max_pixels)}
    return stream


def find_audio(container: InputContainer) -> AudioStream | None:
    """The default sound track, None where there is none that can be decoded."""
    readable = [s for s in container.streams.audio if _has_decoder(s) and s.codec_context.sample_rate > 0]
    if not readable:
        return None
    return next((s for s in readable if s.disposition & Disposition.default), readable[0])


def _has_decoder(stream: VideoStream | AudioStream) -> bool:
    # PyAV leaves codec_context None where FFmpeg knows no decoder; its stubs do not say so.
    return cast("object", stream.codec_context) is not None
