"""The answer of the progress call, made from two Redis values of which either may be missing or nonsense."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.contracts.envelope import Step
from pipeline.progress.status import SETTLED

_WHOLE = frozenset({"READY", "DONE", "succeeded"})


@dataclass(frozen=True)
class Position:
    """What a progress value says, as far as it could be understood."""

    percent: int
    remaining_s: int | None
    step: Step | None
    step_percent: int | None


NOWHERE = Position(0, None, None, None)


def compose_answer(
    asset_id: str,
    status_text: str | bytes | None,
    progress_text: str | bytes | None,
    *,
    steps: Sequence[Step],
    status_if_unknown: str = "PENDING",
) -> dict[str, Any]:
    """The fields of DESIGN section 4; `steps` is the table of the job's kind. It raises for no value at all.

    Progress of another job than the one in the status, or of an older attempt, is not shown as the current one.
    """
    status_value = object_of(status_text)
    status = text_of(status_value.get("status")) or status_if_unknown
    answer = position_fields(asset_id, status, position_of(object_of(progress_text), status_value, steps), steps=steps)
    if status in SETTLED:
        answer["hls_path"] = text_of(status_value.get("hls_path"))
        answer["duration"] = _number(status_value.get("duration"))
        answer["error_reason"] = text_of(status_value.get("error_reason"))
    return answer


def position_fields(asset_id: str, status: str, place: Position, *, steps: Sequence[Step]) -> dict[str, Any]:
    """The fields that every answer has; what has ended is at no step."""
    percent = 100 if status in _WHOLE else place.percent
    works = status not in SETTLED
    return {
        "id": asset_id,
        "status": status,
        "progress": percent,
        "encoding_progress": percent,
        "encoding_remaining_seconds": place.remaining_s if works else None,
        "encoding_step_index": place.step.index if works and place.step else None,
        "encoding_step_total": len(steps),
        "encoding_step_name": place.step.name if works and place.step else None,
        "encoding_step_name_display": _display(place.step) if works and place.step else None,
        "encoding_step_percent": place.step_percent if works else None,
    }


def is_usable_status(status_text: str | bytes | None) -> bool:
    """Whether a status value says something; if not, the row must be asked."""
    return text_of(object_of(status_text).get("status")) is not None


def position_of(progress: dict[str, Any], status: dict[str, Any], steps: Sequence[Step]) -> Position:
    """Nowhere, where the progress is not that of the job and attempt which the status names."""
    if not _is_of_the_current_attempt(progress, status):
        return NOWHERE
    percent = _percent(progress.get("percent"))
    if percent is None:
        return NOWHERE
    remaining_s = _number(progress.get("remaining_seconds"))
    index = progress.get("step_index")
    step = next((step for step in steps if type(index) is int and step.index == index), None)
    return Position(
        percent=percent,
        remaining_s=None if remaining_s is None or remaining_s < 0 else round(remaining_s),
        step=step,
        step_percent=_percent(progress.get("step_percent")) if step else None,
    )


def _is_of_the_current_attempt(progress: dict[str, Any], status: dict[str, Any]) -> bool:
    job_id = text_of(status.get("job_id"))
    if job_id is None or progress.get("job_id") != job_id:
        return False
    attempt, current = progress.get("attempt"), status.get("attempt")
    if type(attempt) is not int:
        return False
    # The job may have started a newer attempt than the status has heard of, never the other way round.
    return type(current) is not int or attempt >= current


def _display(step: Step) -> dict[str, str]:
    return {"ko": step.display_ko, "en": step.display_en}


def object_of(text: str | bytes | None) -> dict[str, Any]:
    """An empty one for what is missing, not JSON, or no object."""
    if text is None:
        return {}
    try:
        value = json.loads(text)
    # RecursionError: deeply nested brackets are within the rules of JSON.
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _percent(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(min(100.0, max(0.0, number)))
