"""What a person's word makes of a submission: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime

from pipeline.answer_sheets.template import Field, Output, OutputKind, Template
from pipeline.database.submissions import Standing, Submission
from pipeline.errors import Invalid
from pipeline.lifecycle.submission_state import SubmissionStatus


def standing_of_row(submission: Submission) -> Standing:
    return Standing(**{field.name: getattr(submission, field.name) for field in fields(Standing)})


def looked_at(standing: Standing, *, by: str, at: datetime) -> Standing:
    """A person has looked, so the review is settled; why the machine had asked for it stays there."""
    review = {**standing.meta["manual_review"], "required": False, "updated_at": at.isoformat()}
    return replace(standing, reviewed_by=by, reviewed_at=at, meta={**standing.meta, "manual_review": review})


def corrected(
    standing: Standing, template: Template, *, answers: Mapping[str, list[str]], identifier: str | None
) -> Standing:
    """`answers` and `identifier`, which is empty for a sheet that has none, in the place of what stood there.

    A page that was refused is as good as read once a person has said what every question is.
    """
    student = next((output.name for output in template.all_outputs() if output.student), None)
    if identifier is not None and student is None:
        raise Invalid("identifier_unknown", f"template {template.name!r} has no student's identifier")
    complete = {**standing.answers, **answers}
    if standing.status == SubmissionStatus.FAILED:
        missing = [question.name for question in questions_of(template) if question.name not in complete]
        if missing:
            raise Invalid("answers_incomplete", f"the page was not read: also say what {missing[:20]} are")
    named = {*standing.corrected, *answers}
    if identifier is not None and student is not None:
        named.add(student)
    return replace(
        standing,
        status=SubmissionStatus.ANSWERS_READY,
        error_reason=None,
        answers=complete,
        identifier=standing.identifier if identifier is None else identifier or None,
        corrected=sorted(named),
    )


def questions_of(template: Template) -> list[Output]:
    return [output for output in template.all_outputs() if output.kind is OutputKind.QUESTION]


def allowed_answers(template: Template, given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What was given, with the values in the template's order; raises `Invalid` for what the template has not."""
    fields_by_name = {field.name: field for field in template.all_fields()}
    questions = {question.name: question for question in questions_of(template)}
    allowed = {}
    for name, values in given.items():
        question = questions.get(name)
        if question is None:
            raise Invalid("question_unknown", f"template {template.name!r} has no question {name[:200]!r}")
        allowed[name] = _allowed_values(question, [fields_by_name[part] for part in question.fields], values)
    return allowed


def _allowed_values(question: Output, parts: Sequence[Field], values: Sequence[str]) -> list[str]:
    if len(parts) > 1:
        # A number written place by place: one value, or none.
        if len(values) > 1:
            raise Invalid("value_unknown", f"{question.name!r} is one number or word, not {list(values)}")
        return list(values)
    known = [bubble.value for bubble in parts[0].bubbles]
    if strange := [value for value in values if value not in known]:
        raise Invalid("value_unknown", f"{question.name!r} has {known[:20]}, not {strange[:5]}")
    return [value for value in known if value in values]
