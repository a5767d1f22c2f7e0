"""Why a job has not begun yet, in words that every executor shares."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What holds a job up. The words are part of the API; `NEEDS_A_PERSON` has those that no waiting mends."""

    NOT_SUBMITTED = "not_submitted"
    """The executor has not taken it yet."""
    BREAKS = "breaks"
    """Something that nobody foresaw goes wrong whenever it is to be submitted."""
    EXECUTOR_SILENT = "executor_silent"
    JOB_UNKNOWN = "job_unknown"
    """The executor has no such job; the sweep is about to say so too."""
    BEING_ADMITTED = "being_admitted"
    AFTER_ANOTHER_JOB = "after_another_job"
    QUEUE_CLOSED = "queue_closed"
    NO_ENVIRONMENT = "no_environment"
    ASKS_TOO_MUCH = "asks_too_much"
    MISCONFIGURED = "misconfigured"
    NO_CAPACITY = "no_capacity"
    AT_ITS_LIMIT = "at_its_limit"
    WAITS_FOR_MACHINE = "waits_for_machine"
    RETRY_PAUSE = "retry_pause"
    NO_FREE_SLOT = "no_free_slot"
    STARTING = "starting"
    BEGUN = "begun"
    """It runs, or has ended, and the job's row has still to hear of it."""


NEEDS_A_PERSON = frozenset(
    {Cause.BREAKS, Cause.QUEUE_CLOSED, Cause.NO_ENVIRONMENT, Cause.ASKS_TOO_MUCH, Cause.MISCONFIGURED}
)


@dataclass(frozen=True)
class Explanation:
    """`detail` is a sentence with the values that led to the cause; `remedy` says what to do, empty for waiting."""

    cause: Cause
    detail: str
    remedy: str = ""

    @property
    def needs_a_person(self) -> bool:
        return self.cause in NEEDS_A_PERSON
