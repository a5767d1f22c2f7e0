"""What a reading makes of a submission: pure, so that the same reading twice decides the same, which is nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pipeline.contracts.omr import SheetReading
from pipeline.database.submissions import Standing, Submission
from pipeline.lifecycle.submission_state import SubmissionStatus
from pipeline.reasons import Reason

Place = tuple[int, int]
"""File number and page."""


@dataclass(frozen=True)
class Changes:
    """What has to be done to the submissions of some files, in the order of files and pages."""

    new: tuple[tuple[Place, Standing], ...]
    replaced: tuple[tuple[UUID, Standing], ...]
    gone: tuple[UUID, ...]


def changes_of(
    readings: Sequence[SheetReading], before: Iterable[Submission], *, file_numbers: Mapping[str, int], at: datetime
) -> Changes:
    """What `readings` change in the submissions `before`; `file_numbers` are those of the files that were read.

    A file of which the job says nothing becomes a refused sheet: nothing that was uploaded may vanish. A submission
    that is not among the readings any more goes, unless a person has said something of it.
    """
    told = {(file_numbers[reading.file], reading.page): reading for reading in readings}
    files_told = {number for number, _ in told}
    for name, number in file_numbers.items():
        if number not in files_told:
            told[number, 1] = SheetReading(
                file=name, page=1, state="refused", reason=Reason.NOT_A_PICTURE, detail="no page of it was told of"
            )
    known = {(submission.file_number, submission.page): submission for submission in before}
    new, replaced = [], []
    for place, reading in sorted(told.items(), key=lambda item: item[0]):
        submission = known.pop(place, None)
        if submission is None:
            new.append((place, standing_of(reading, at=at)))
        elif submission.meta["ai_result"] != reading.model_dump(mode="json"):
            replaced.append((submission.id, restanding_of(reading, submission, at=at)))
    gone = tuple(submission.id for submission in known.values() if submission.reviewed_at is None)
    return Changes(tuple(new), tuple(replaced), gone)


def standing_of(reading: SheetReading, *, at: datetime) -> Standing:
    """What the machine alone makes of a page."""
    is_read = reading.state == "read"
    return Standing(
        status=SubmissionStatus.ANSWERS_READY if is_read else SubmissionStatus.FAILED,
        error_reason=reading.reason.value if reading.reason is not None else None,
        answers={answer.question_id: list(answer.detected) for answer in reading.answers} if is_read else {},
        identifier=(reading.identifier.value or None) if is_read and reading.identifier is not None else None,
        corrected=[],
        reviewed_by=None,
        reviewed_at=None,
        meta={
            "ai_result": reading.model_dump(mode="json"),
            "omr": _summary(reading),
            "manual_review": {
                "required": is_read and bool(reading.review_reasons),
                "reasons": [reason.value for reason in reading.review_reasons],
                "updated_at": at.isoformat(),
            },
        },
    )


def restanding_of(reading: SheetReading, before: Submission, *, at: datetime) -> Standing:
    """The page was read again. What a person said of its answers stays as it is, with the new reading beside it.

    Whoever confirmed a refused page said nothing of its answers: where it is read now, that counts.
    """
    if before.reviewed_at is None or before.status == SubmissionStatus.FAILED:
        return standing_of(reading, at=at)
    return Standing(
        status=before.status,
        error_reason=before.error_reason,
        answers=before.answers,
        identifier=before.identifier,
        corrected=before.corrected,
        reviewed_by=before.reviewed_by,
        reviewed_at=before.reviewed_at,
        meta={**before.meta, "ai_result": reading.model_dump(mode="json"), "omr": _summary(reading)},
    )


def _summary(reading: SheetReading) -> dict[str, object]:
    identifier = reading.identifier.model_dump(mode="json") if reading.identifier is not None else None
    return {"identifier": identifier, "version": reading.version}
