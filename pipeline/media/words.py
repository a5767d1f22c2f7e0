"""FFmpeg's own words for what failed. For sandboxed children only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import av


def words_of_failure(attempt: Callable[[], str | None]) -> str | None:
    """What `attempt` returns, or all that FFmpeg logged as an error while it raised: the last line often says least."""
    with hearing_errors() as said:
        try:
            return attempt()
        except (av.error.FFmpegError, av.codec.codec.UnknownCodecError, ValueError) as error:
            heard = [message.strip() for _, message in said()]
            return "; ".join(heard) or getattr(error, "strerror", None) or str(error) or type(error).__name__


@contextmanager
def hearing_errors() -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """What is yielded lists all that FFmpeg has called an error so far: the part's name, and its message."""
    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    # Otherwise a second attempt that fails in the same words would fail in none.
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as logs:
            yield lambda: [(part, message) for _, part, message in logs]
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips)
