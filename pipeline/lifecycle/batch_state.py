"""The states of a batch of answer sheets and the only moves between them. One bad page is no reason for FAILED."""

from enum import StrEnum


class BatchStatus(StrEnum):
    PENDING = "PENDING"
    """The row exists and PUTs were signed; `complete` moves it on."""
    UPLOADED = "UPLOADED"
    """Every file is checked and pinned, and its jobs exist; the first job's `start` moves it on."""
    PROCESSING = "PROCESSING"
    """Jobs work on it; the end of the last one moves it on."""
    READY = "READY"
    """Every page of every file is a sheet, read or refused."""
    FAILED = "FAILED"
    """A job ended without a result; what the others read is there. A retry moves it back to UPLOADED."""


MOVES: dict[BatchStatus, frozenset[BatchStatus]] = {
    BatchStatus.PENDING: frozenset({BatchStatus.UPLOADED}),
    # Jobs may end before a `start` call was heard: cancelled, never placed, or finished by their outcome objects.
    BatchStatus.UPLOADED: frozenset({BatchStatus.PROCESSING, BatchStatus.READY, BatchStatus.FAILED}),
    BatchStatus.PROCESSING: frozenset({BatchStatus.READY, BatchStatus.FAILED}),
    # A new reading replaces the published one; nothing else happens to a batch that is read.
    BatchStatus.READY: frozenset({BatchStatus.READY}),
    BatchStatus.FAILED: frozenset({BatchStatus.UPLOADED}),
}


def sources_of(after: BatchStatus) -> tuple[BatchStatus, ...]:
    """The statuses from which a batch may move to `after`, for the guard of an UPDATE."""
    return tuple(before for before in BatchStatus if after in MOVES[before])
