"""The answer of a batch's progress call: the positions of its jobs, added up by the pages that each is to read."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.contracts.envelope import Step
from pipeline.progress.answer import NOWHERE, Position, object_of, position_fields, position_of, text_of


def job_ids_of(status_text: str | bytes | None) -> tuple[str, ...]:
    """The jobs whose progress makes up a batch's; none for a status that cannot be read."""
    return tuple(job_id for job_id, _ in _jobs(object_of(status_text)))


def compose_batch_answer(
    batch_id: str,
    status_text: str | bytes | None,
    progress_texts: Mapping[str, str | bytes | None],
    *,
    steps: Sequence[Step],
) -> dict[str, Any]:
    """`progress_texts` by job; any may be missing or nonsense. It raises for no value at all."""
    status = object_of(status_text)
    word = text_of(status.get("status")) or "PENDING"
    positions = [
        (position_of(object_of(progress_texts.get(job_id)), {"job_id": job_id}, steps), pages)
        for job_id, pages in _jobs(status)
    ]
    answer = position_fields(batch_id, word, _added_up(status, positions), steps=steps)
    return {**answer, "error_reason": text_of(status.get("error_reason"))}


def _jobs(status: dict[str, Any]) -> list[tuple[str, int]]:
    """Job and pages."""
    listed = status.get("jobs")
    jobs = listed if isinstance(listed, list) else []
    return [
        (job["job_id"], job["pages"])
        for job in jobs
        if isinstance(job, dict) and isinstance(job.get("job_id"), str) and _is_count(job.get("pages"))
    ]


def _added_up(status: dict[str, Any], positions: Sequence[tuple[Position, int]]) -> Position:
    """The step is that of the job which is least far; the time is that of the slowest, None while one has not begun."""
    ended = status.get("pages_ended")
    pages_ended = ended if type(ended) is int and ended >= 0 else 0
    pages = pages_ended + sum(pages for _, pages in positions)
    if not positions or pages == 0:
        return NOWHERE
    read = pages_ended * 100 + sum(place.percent * share for place, share in positions)
    begun = [place for place, _ in positions if place.step is not None]
    least = min(begun, key=lambda place: place.percent, default=NOWHERE)
    times = [place.remaining_s for place, _ in positions]
    return Position(
        percent=read // pages,
        remaining_s=None if None in times else max(time for time in times if time is not None),
        step=least.step,
        step_percent=least.step_percent,
    )


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 1
