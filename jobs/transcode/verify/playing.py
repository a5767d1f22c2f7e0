"""Decodes what was written as a player does that seeks or scrubs there: each piece alone behind its init segment.

For the sandbox. Raises VERIFY_FAILED with the file.
"""

import io
from collections.abc import Sequence

import av

from pipeline.errors import PermanentError
from pipeline.reasons import Reason

# Any broken bit is an error, where a player would conceal it. What smooths the edges of blocks comes after all bits are
# read: it cannot fail, and nobody looks at these pictures.
DECODER_OPTIONS = {"err_detect": "explode", "skip_loop_filter": "all"}
# One a core of the smallest worker: FFmpeg works outside the interpreter's lock.
THREADS = 2


def in_turn(count: int, *, mine: int, of: int) -> Sequence[bool]:
    """Which of `count` pieces fall to rendition `mine` of `of`: every `of`-th, and the first and the last to each."""
    return [(number - mine) % of == 0 or number in (0, count - 1) for number in range(count)]


def refuse(path: str, what: str) -> PermanentError:
    return PermanentError(Reason.VERIFY_FAILED, f"{path}: {what}")


def play_pictures(path: str, data: bytes, *, size: tuple[int, int], samples: int) -> int:
    """A segment; returns how many pictures were decoded, which are all."""
    decoded = 0
    try:
        with _open(data) as container:
            video = container.streams.video[0]
            video.codec_context.options = DECODER_OPTIONS
            for frame in container.decode(video):
                if (frame.width, frame.height) != size or frame.is_corrupt:
                    raise refuse(path, f"a picture of {frame.width}x{frame.height} is not {size}")
                decoded += 1
    except (av.error.FFmpegError, IndexError) as error:
        raise refuse(path, f"cannot be decoded after {decoded} pictures: {error}") from error
    if decoded != samples:
        raise refuse(path, f"{decoded} of {samples} pictures decode")
    return decoded


def play_key_frame(path: str, data: bytes, *, place: str, size: tuple[int, int]) -> None:
    """One key frame alone; `place` says which bytes it is."""
    try:
        with _open(data) as container:
            frame = next(container.decode(video=0))
    except (av.error.FFmpegError, IndexError, StopIteration) as error:
        raise refuse(path, f"{place} cannot be decoded: {error}") from error
    if (frame.width, frame.height) != size or not frame.key_frame:
        raise refuse(path, f"{place} is no key frame of {size}")


def play_sound(path: str, data: bytes, *, samples: int) -> None:
    """A segment of sound with so many samples."""
    try:
        with _open(data) as container:
            decoded = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
    except (av.error.FFmpegError, IndexError) as error:
        raise refuse(path, f"cannot be decoded: {error}") from error
    if decoded != samples:
        raise refuse(path, f"{decoded} of {samples} samples decode")


def _open(data: bytes) -> "av.container.InputContainer":
    return av.open(io.BytesIO(data), "r", format="mov")
