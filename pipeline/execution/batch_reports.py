"""What AWS Batch says of a job, read as our own report. DescribeJobs and the events of EventBridge say it alike."""

from datetime import UTC, datetime

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from pipeline.execution.executor import AttemptReport, JobReport
from pipeline.lifecycle.job_state import FINAL, JobState


class _Said(BaseModel):
    """AWS adds fields as it likes; what we do not know we do not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=AliasGenerator(to_camel))


class AttemptContainer(_Said):
    exit_code: int | None = None
    log_stream_name: str | None = None
    reason: str | None = None


class BatchAttempt(_Said):
    """Times are milliseconds since 1970. An attempt that never came to a container has none of its own."""

    container: AttemptContainer = AttemptContainer()
    started_at: int | None = None
    stopped_at: int | None = None
    status_reason: str | None = None


class ArrayProperties(_Said):
    """`size` and the children's states of an array, or the `index` of a child."""

    size: int | None = None
    index: int | None = None
    status_summary: dict[str, int] = Field(default_factory=dict)


class BatchJob(_Said):
    """`attempts` are the ended ones, and in some states the one that runs."""

    job_id: str = Field(min_length=1)
    job_name: str
    status: str
    status_reason: str | None = None
    created_at: int
    attempts: tuple[BatchAttempt, ...] = ()
    container: AttemptContainer = AttemptContainer()
    array_properties: ArrayProperties = ArrayProperties()

    @property
    def has_ended(self) -> bool:
        return JobState(self.status.lower()) in FINAL

    def report(self) -> JobReport:
        state = JobState(self.status.lower())
        attempts = tuple(
            AttemptReport(
                attempt=number,
                started_at=_time(attempt.started_at),
                stopped_at=_time(attempt.stopped_at),
                exit_code=attempt.container.exit_code,
                status_reason=attempt.status_reason or attempt.container.reason or "",
            )
            for number, attempt in enumerate(self.attempts, start=1)
        )
        ended = sum(attempt.stopped_at is not None for attempt in attempts)
        return JobReport(
            handle=self.job_id,
            name=self.job_name,
            state=state,
            # A job that ended before its first attempt is told as being at that one.
            attempt=max(1, ended) if state in FINAL else ended + 1,
            status_reason=self.status_reason or "",
            created_at=_instant(self.created_at),
            attempts=attempts,
            children={
                JobState(status.lower()): count
                for status, count in self.array_properties.status_summary.items()
                if count > 0
            },
            index=self.array_properties.index,
        )

    def log_stream(self, attempt: int) -> str | None:
        """Of an attempt, counted from 1; the one that runs has only the job's own."""
        streams = [attempt.container.log_stream_name for attempt in self.attempts]
        if 1 <= attempt <= len(streams):
            return streams[attempt - 1]
        # Until the next attempt has a container, the job's is still that of the one before.
        own = self.container.log_stream_name
        return own if attempt == len(streams) + 1 and own not in streams else None


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _instant(milliseconds)
