"""The states of a video and the only moves between them."""

from enum import StrEnum


class VideoStatus(StrEnum):
    PENDING = "PENDING"
    """The row exists and a PUT was signed; `upload/complete` moves it on."""
    UPLOADED = "UPLOADED"
    """The source is checked and pinned, and a job row exists; the job's `start` moves it on."""
    PROCESSING = "PROCESSING"
    """An attempt works on it; the job's end moves it on."""
    READY = "READY"
    """It plays. A resubmit leaves it here until new outputs replace the old ones."""
    FAILED = "FAILED"
    """It has an `error_reason`; a retry moves it back to UPLOADED."""


MOVES: dict[VideoStatus, frozenset[VideoStatus]] = {
    VideoStatus.PENDING: frozenset({VideoStatus.UPLOADED}),
    # A job may end before its `start` call was heard: cancelled, never placed, or finished by its outcome object.
    VideoStatus.UPLOADED: frozenset({VideoStatus.PROCESSING, VideoStatus.READY, VideoStatus.FAILED}),
    VideoStatus.PROCESSING: frozenset({VideoStatus.READY, VideoStatus.FAILED}),
    # New outputs replace the published ones; nothing else happens to a video that plays.
    VideoStatus.READY: frozenset({VideoStatus.READY}),
    VideoStatus.FAILED: frozenset({VideoStatus.UPLOADED}),
}


def may_move(before: VideoStatus, after: VideoStatus) -> bool:
    return after in MOVES[before]


def sources_of(after: VideoStatus) -> tuple[VideoStatus, ...]:
    """The statuses from which a video may move to `after`, for the guard of an UPDATE."""
    return tuple(before for before in VideoStatus if may_move(before, after))
