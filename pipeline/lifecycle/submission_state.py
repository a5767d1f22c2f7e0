"""The states of a submission: one sheet of one student, as the system that this replaces knows it."""

from enum import StrEnum


class SubmissionStatus(StrEnum):
    ANSWERS_READY = "ANSWERS_READY"
    """The page was read, or a person typed what stands on it."""
    FAILED = "FAILED"
    """The page could not be read; `error_reason` says why."""
