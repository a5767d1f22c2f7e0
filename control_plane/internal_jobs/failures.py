"""What a worker's `fail` says, as values that can be stored."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pipeline.contracts.envelope import FailCall, StepTime
from pipeline.errors import Invalid
from pipeline.logs import redact_text
from pipeline.reasons import Reason


@dataclass(frozen=True)
class ToldFailure:
    reason: Reason
    detail: str
    steps: tuple[dict[str, Any], ...]


def parse_failure(call: FailCall) -> ToldFailure:
    """Raises `Invalid`."""
    try:
        reason = Reason(call.reason)
    except ValueError as exc:
        raise Invalid("reason_unknown", f"{call.reason!r} is not a reason code") from exc
    try:
        steps = tuple(StepTime.model_validate(step).model_dump() for step in call.steps)
    except ValidationError as exc:
        raise Invalid("steps_invalid", "each step has a name and seconds") from exc
    # Postgres stores no NUL; a library's message may quote a URL that is still good.
    return ToldFailure(reason, redact_text(call.detail.replace("\0", "")), steps)
