"""FFmpeg's own words for what failed. For sandboxed children only."""

from collections.abc import Callable

import av


def words_of_failure(attempt: Callable[[], str | None]) -> str | None:
    """What `attempt` returns, or all that FFmpeg logged as an error while it raised: the last line often says least."""
    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    # Otherwise a second attempt that fails in the same words would fail in none.
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as logs:
            try:
                return attempt()
            except (av.error.FFmpegError, av.codec.codec.UnknownCodecError, ValueError) as error:
                said = [message.strip() for _, _, message in logs]
                return "; ".join(said) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips)
