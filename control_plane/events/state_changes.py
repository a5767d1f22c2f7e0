"""What an event of AWS Batch says, as EventBridge hands it to a queue. Pure."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.execution.batch_reports import BatchJob
from pipeline.execution.executor import JobReport

SOURCE = "aws.batch"
DETAIL_TYPE = "Batch Job State Change"


class EventUnreadable(Exception):
    """The message is no event of this kind; it holds what is wrong."""


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    source: str
    detail_type: str = Field(alias="detail-type")
    detail: BatchJob


def read_state_change(message: str) -> JobReport:
    """The job's report; raises `EventUnreadable`. Fields that we do not know, and missing attempts, do no harm."""
    try:
        event = _Envelope.model_validate_json(message)
        if (event.source, event.detail_type) != (SOURCE, DETAIL_TYPE):
            raise EventUnreadable(f"{event.detail_type!r} of {event.source!r}")
        return event.detail.report()
    except ValidationError as error:
        raise EventUnreadable(str(error)[:500]) from error
