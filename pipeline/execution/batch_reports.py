"""What AWS Batch says of a job, read as our own report. DescribeJobs and the events of EventBridge say it alike."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from pipeline.execution.executor import AttemptReport, JobReport
from pipeline.lifecycle.job_state import FINAL, JobState


def _lower(status: Any) -> Any:
    return status.lower() if isinstance(status, str) else status


Status = Annotated[JobState, BeforeValidator(_lower)]
# Since 1970, and before the year 10,000, in which Python's calendar ends.
Milliseconds = Annotated[int, Field(ge=0, lt=253_402_300_800_000)]


class _Said(BaseModel):
    """AWS adds fields as it likes; what we do not know we do not read, and a null says as little as no field.

    Errors do not quote what was said: a job's environment, with its token, is among it.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=AliasGenerator(to_camel), hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, said: Any) -> Any:
        return {name: value for name, value in said.items() if value is not None} if isinstance(said, dict) else said


class AttemptContainer(_Said):
    """`reason` is the agent's own, such as `OutOfMemoryError: …` or `CannotPullContainerError: …`."""

    exit_code: int | None = None
    log_stream_name: str | None = None
    reason: str | None = None


class BatchAttempt(_Said):
    """An attempt that never came to a container has none of its own."""

    container: AttemptContainer = AttemptContainer()
    started_at: Milliseconds | None = None
    stopped_at: Milliseconds | None = None
    status_reason: str | None = None

    @property
    def why(self) -> str:
        return _joined(self.status_reason, self.container.reason)


class ArrayProperties(_Said):
    """`size` and the children's states of an array, or the `index` of a child."""

    size: int | None = None
    index: int | None = None
    status_summary: dict[Status, int] = Field(default_factory=dict)


class BatchJob(_Said):
    """`attempts` are the ended ones, and in some states the one that runs; `container` is the newest one's."""

    job_id: str = Field(pattern=r"^[A-Za-z0-9:_-]+$")
    job_name: str
    status: Status
    status_reason: str | None = None
    created_at: Milliseconds
    attempts: tuple[BatchAttempt, ...] = ()
    container: AttemptContainer = AttemptContainer()
    array_properties: ArrayProperties = ArrayProperties()

    @property
    def has_ended(self) -> bool:
        return self.status in FINAL

    def report(self) -> JobReport:
        attempts = tuple(
            AttemptReport(
                attempt=number,
                started_at=_time(attempt.started_at),
                stopped_at=_time(attempt.stopped_at),
                exit_code=attempt.container.exit_code,
                status_reason=attempt.why,
            )
            for number, attempt in enumerate(self.attempts, start=1)
        )
        ended = sum(attempt.stopped_at is not None for attempt in attempts)
        return JobReport(
            handle=self.job_id,
            name=self.job_name,
            state=self.status,
            # A job that ended before its first attempt is told as being at that one.
            attempt=max(1, ended) if self.has_ended else ended + 1,
            status_reason=self._why(),
            created_at=_instant(self.created_at),
            attempts=attempts,
            children={state: count for state, count in self.array_properties.status_summary.items() if count > 0},
            index=self.array_properties.index,
        )

    def _why(self) -> str:
        """Batch says of most ended jobs that a task exited or did not start; the container's reason says why."""
        containers = [self.container, *(attempt.container for attempt in self.attempts[-1:])]
        return _joined(self.status_reason, *(each.reason for each in containers if self.has_ended))

    def log_stream(self, attempt: int) -> str | None:
        """Of an attempt, counted from 1; the one that runs has only the job's own."""
        streams = [attempt.container.log_stream_name for attempt in self.attempts]
        if 1 <= attempt <= len(streams):
            return streams[attempt - 1]
        # Until the next attempt has a container, the job's is still that of the one before.
        own = self.container.log_stream_name
        return own if attempt == len(streams) + 1 and own not in streams else None


def _joined(*reasons: str | None) -> str:
    """Without those that are there already, and without what Postgres does not store."""
    said: list[str] = []
    for reason in reasons:
        if reason and reason not in said:
            said.append(reason.replace("\0", ""))
    return ": ".join(said)


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _instant(milliseconds)
