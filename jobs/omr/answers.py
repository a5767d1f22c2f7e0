"""A registered page and the states of its bubbles become answers and identifiers with what is to be reviewed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from math import prod

from jobs.omr.form import Form
from jobs.omr.marks.engine import MarkStates
from jobs.omr.marks.fields import DISPUTED, FieldMarks, fields_of
from jobs.omr.marks.meaning import meanings_of
from jobs.omr.marks.pooling import pooled
from jobs.omr.page_code import read_page_code
from jobs.omr.registration.registered import Registered
from pipeline.answer_sheets.template import FieldKind, Output, OutputKind
from pipeline.contracts.omr import (
    REVIEW_CONFIDENCE,
    Answer,
    AnswerStatus,
    Identifier,
    Marking,
    RegistrationFacts,
    ReviewReason,
    SheetReading,
)

# A number with two marks in some of its places is reported as at most so many possible numbers.
MOST_POSSIBLE = 16


def read_sheet(
    registered: Registered,
    form: Form,
    states: MarkStates,
    *,
    file: str,
    page: int,
    check: MarkStates | None = None,
) -> SheetReading:
    """What the page says. `check` is what a second engine says: both are heard, and where they differ the answer goes
    to review.
    """
    return reading_of(read_fields(registered, form, states, check=check), registered, form, file=file, page=page)


def read_fields(
    registered: Registered, form: Form, states: MarkStates, *, check: MarkStates | None = None
) -> dict[str, FieldMarks]:
    """The fields by name, before they are put together: what an overlay shows."""
    if check is None:
        fields = fields_of(meanings_of(states, form), form, registered)
    else:
        engines = [meanings_of(each, form) for each in (states, check)]
        fields = fields_of(meanings_of(pooled(states, check), form), form, registered, engines=engines)
    return _without_certainty(fields, registered, form)


def _without_certainty(fields: Mapping[str, FieldMarks], registered: Registered, form: Form) -> dict[str, FieldMarks]:
    """Fields of which a bubble may lie elsewhere are for a person."""
    if registered.doubted is None or not registered.doubted.any():
        return dict(fields)
    doubted = {form.fields[number].name for number in set(form.field_of_bubble[registered.doubted].tolist())}
    return {
        name: replace(marks, confidence=min(marks.confidence, DISPUTED)) if name in doubted else marks
        for name, marks in fields.items()
    }


def reading_of(
    fields: Mapping[str, FieldMarks], registered: Registered, form: Form, *, file: str, page: int
) -> SheetReading:
    """`page` counts from 1 within `file`."""
    answers: list[Answer] = []
    student: Identifier | None = None
    others: list[Identifier] = []
    for output in form.outputs:
        parts = [fields[name] for name in output.fields]
        if output.kind is OutputKind.QUESTION:
            answers.append(answer_of(output, parts))
        elif output.student:
            student = identifier_of(output, parts)
        else:
            others.append(identifier_of(output, parts))
    return SheetReading(
        file=file,
        page=page,
        state="read",
        answers=tuple(answers),
        identifier=student,
        identifiers=tuple(others),
        registration=RegistrationFacts(
            method=registered.method,
            residual_mm=registered.residual_mm,
            block_residual_mm=registered.block_residual_mm,
            blocks_doubted=registered.blocks_doubted,
            quarter_turns=registered.quarter_turns,
        ),
        page_id=read_page_code(registered, form.template.page_code),
        mode=registered.mode,
        review_reasons=review_reasons(answers, student, others),
    )


def answer_of(output: Output, parts: Sequence[FieldMarks]) -> Answer:
    """A question of one field reports its marks. One of several fields is a number or a word written place by place:
    it reports the places put together, or where a place has two marks every value that this can mean.
    """
    if len(parts) == 1:
        detected = parts[0].values
        marking = _marking(len(detected))
    else:
        counts = [len(part.values) for part in parts]
        marking = _marking(max(counts))
        detected = () if marking is Marking.BLANK else _possible(parts)
    confidence = prod(part.confidence for part in parts)
    if not all(part.whole for part in parts):
        status, confidence = AnswerStatus.ERROR, 0.0
    elif confidence < REVIEW_CONFIDENCE:
        status = AnswerStatus.LOW_CONFIDENCE
    else:
        status = {
            Marking.BLANK: AnswerStatus.BLANK,
            Marking.SINGLE: AnswerStatus.OK,
            Marking.MULTI: AnswerStatus.AMBIGUOUS,
        }[marking]
    return Answer(
        question_id=output.name, detected=detected, marking=marking, confidence=_rounded(confidence), status=status
    )


def identifier_of(output: Output, parts: Sequence[FieldMarks]) -> Identifier:
    """The places put together, left to right.

    Blank places before the first mark and after the last are left out, since numbers and names may be shorter than
    their columns; where they may not, the output's `length` says so. Between marks a blank `letter` is a space where
    another place offers the same letters, as the columns of a name do. One that offers letters of its own is an
    alternative to its neighbours, as of a check letter printed over two columns, and so is a blank `choice`: they add
    nothing. The value is None where a place has two marks or, between marks, a blank `digit`, or where its length is
    not the one that it should have.
    """
    confidence = prod(part.confidence for part in parts)
    value = _put_together(parts)
    if value is not None and output.length not in {None, len(value)}:
        value = None
    if not all(part.whole for part in parts):
        value, status, confidence = None, AnswerStatus.ERROR, 0.0
    elif not any(part.values for part in parts):
        status = AnswerStatus.BLANK if confidence >= REVIEW_CONFIDENCE else AnswerStatus.LOW_CONFIDENCE
    elif value is None:
        status = AnswerStatus.AMBIGUOUS
    elif confidence < REVIEW_CONFIDENCE:
        status = AnswerStatus.LOW_CONFIDENCE
    else:
        status = AnswerStatus.OK
    return Identifier(name=output.name, value=value, confidence=_rounded(confidence), status=status)


def review_reasons(
    answers: Sequence[Answer], student: Identifier | None, others: Sequence[Identifier]
) -> tuple[ReviewReason, ...]:
    """Why a person should look. The student's identifier must be read; others, such as names, may be left blank."""
    reasons = []
    if any(answer.status is not AnswerStatus.OK for answer in answers):
        reasons.append(ReviewReason.ANSWER_STATUS_NOT_OK)
    if any(answer.marking is not Marking.SINGLE for answer in answers):
        reasons.append(ReviewReason.ANSWER_BLANK_OR_MULTI)
    if any(answer.confidence < REVIEW_CONFIDENCE for answer in answers):
        reasons.append(ReviewReason.ANSWER_LOW_CONFIDENCE)
    fine = {AnswerStatus.OK, AnswerStatus.BLANK}
    if (student and student.status is not AnswerStatus.OK) or any(other.status not in fine for other in others):
        reasons.append(ReviewReason.IDENTIFIER_NOT_OK)
    return tuple(reasons)


def _marking(count: int) -> Marking:
    match count:
        case 0:
            return Marking.BLANK
        case 1:
            return Marking.SINGLE
        case _:
            return Marking.MULTI


def _possible(parts: Sequence[FieldMarks]) -> tuple[str, ...]:
    places = [part.values or ("",) for part in parts]
    return tuple("".join(chosen) for chosen in islice(product(*places), MOST_POSSIBLE))


def _put_together(parts: Sequence[FieldMarks]) -> str | None:
    marked = [place for place, part in enumerate(parts) if part.values]
    if not marked or any(len(part.values) > 1 for part in parts):
        return None
    between = parts[marked[0] : marked[-1] + 1]
    if any(part.kind is FieldKind.DIGIT and not part.values for part in between):
        return None
    return "".join(part.values[0] if part.values else _blank_in(part, parts) for part in between)


def _blank_in(part: FieldMarks, parts: Sequence[FieldMarks]) -> str:
    repeated = sum(other.options == part.options for other in parts) > 1
    return " " if part.kind is FieldKind.LETTER and repeated else ""


def _rounded(confidence: float) -> float:
    """Four places: a result is read by people, and its file kept small."""
    return round(confidence, 4)
