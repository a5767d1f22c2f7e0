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
from pipeline.media.endings import TOLD_IN_FRONT, missing_end
from pipeline.media.sniff import FORMATS, HEAD_BYTES, looks_encrypted, refuse_by_head
from pipeline.media.words import words_of_failure
from pipeline.reasons import Reason

# FFmpeg's words for data that no decoder of ours can make sense of, for what it was built without, for packets that
# only a key opens (EPERM), and for places that a container cannot be searched for. Want of memory is none of these.
UNREADABLE = (
    av.error.InvalidDataError,
    av.error.EOFError,
    av.error.PatchWelcomeError,
    av.error.LookupError,
    av.error.ArgumentError,
    av.error.PermissionError,
    av.error.NotImplementedError,
    av.error.OverflowError,
    av.error.BufferTooSmallError,
    av.error.ExternalError,
    av.error.UnknownError,
    av.error.BugError,
)
# Single pictures: a track of these beside a film is its cover, or a list of previews, whatever its flags say.
STILL_CODECS = frozenset({"mjpeg", "png", "bmp", "gif", "webp", "tiff", "jpeg2000", "jpegls"})
# moov of a fragmented file is small and first; the sample entry's `encv` is in it.
ENCRYPTION_BYTES = 256 * 1024


@contextmanager
def open_source(source: Path | io.RawIOBase, *, max_streams: int) -> Iterator[InputContainer]:
    """A sniffed and opened container; raises `PermanentError` for what is no video file."""
    head = _read_head(source)
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
        if isinstance(address, io.RawIOBase):
            address.seek(0)
        _refuse_countless_streams(address, options)
        raise
    except (*UNREADABLE, av.error.OSError, ValueError) as error:
        if looks_encrypted(head):
            raise PermanentError(Reason.ENCRYPTED, "the sample description says so") from error
        raise PermanentError(Reason.NOT_MEDIA, _words(error)) from error
    with container:
        if len(container.streams) > max_streams:
            raise PermanentError(Reason.TOO_MANY_STREAMS, f"{len(container.streams)} streams, at most {max_streams}")
        if looks_encrypted(head) and not any(_has_decoder(track) for track in container.streams.video):
            raise PermanentError(Reason.ENCRYPTED, "the sample description says so")
        yield container


def _read_head(source: Path | io.RawIOBase) -> bytes:
    """The first bytes; a reader is back at its start."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return file.read(ENCRYPTION_BYTES)
    head = source.read(ENCRYPTION_BYTES) or b""
    source.seek(0)
    return head


def refuse_broken_off(source: Path | io.RawIOBase, container: InputContainer) -> None:
    """Raise TRUNCATED where the container's own form shows that its end is missing."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            words = missing_end(container.format.name, file)
    elif container.format.name in TOLD_IN_FRONT:
        # Over a network the rest of a file is not looked through: the job will have it here.
        words = missing_end(container.format.name, source)
        source.seek(0)
    else:
        words = None
    if words is not None:
        raise PermanentError(Reason.TRUNCATED, words)


def _refuse_countless_streams(address: str | io.RawIOBase, options: dict[str, str]) -> None:
    """Above a thousand FFmpeg raises what it raises for want of memory; only its log tells them apart."""

    def again() -> None:
        av.open(address, "r", options=options, metadata_errors="replace").close()

    if "max_streams" in (words_of_failure(again) or ""):
        raise PermanentError(Reason.TOO_MANY_STREAMS, "more than 1000 streams")


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
        raise PermanentError(Reason.UNSUPPORTED_CODEC, f"no decoder for track {tracks[0].index}")
    readable = [s for s in readable if s.codec_context.name not in STILL_CODECS] or readable
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
