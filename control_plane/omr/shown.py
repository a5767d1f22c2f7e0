"""Rows of templates, batches and sheets as clients see them."""

from collections.abc import Iterable, Sequence

from control_plane.omr.replies import (
    BatchFile,
    BatchJob,
    BatchReply,
    BatchRow,
    Counts,
    Edit,
    Picture,
    Review,
    SheetAnswer,
    SheetReply,
    SheetRow,
    TemplateRow,
)
from control_plane.replies import message_of
from control_plane.services import Services
from pipeline.contracts.omr import Engine, ReviewReason, SheetReading
from pipeline.database.omr_batches import OmrBatch
from pipeline.database.omr_files import OmrFile
from pipeline.database.omr_shards import OmrShard
from pipeline.database.omr_templates import OmrTemplate, TemplatePicture
from pipeline.database.submission_edits import SubmissionEdit
from pipeline.database.submissions import BatchCounts, Submission
from pipeline.lifecycle.batch_state import BatchStatus
from pipeline.lifecycle.submission_state import SubmissionStatus


def show_template(template: OmrTemplate, pictures: Iterable[TemplatePicture]) -> TemplateRow:
    """`pictures` may be those of many templates."""
    named = {kind: tuple(o["name"] for o in template.outputs if o["kind"] == kind) for kind in _KINDS}
    return TemplateRow(
        id=template.id,
        name=template.name,
        version=template.template_version,
        questions=named["question"],
        identifiers=named["identifier"],
        student=student_of(template),
        pictures=tuple(
            Picture(
                name=picture.name,
                content_type=picture.content_type,
                size=picture.declared_bytes,
                is_there=picture.etag is not None,
            )
            for picture in pictures
            if picture.template_id == template.id
        ),
        created_by=template.created_by,
        created_at=template.created_at,
    )


_KINDS = ("question", "identifier")


def student_of(template: OmrTemplate) -> str | None:
    """The name of the student's identifier."""
    return next((output["name"] for output in template.outputs if output["student"]), None)


def show_batch(batch: OmrBatch, counts: BatchCounts) -> BatchRow:
    return BatchRow(
        id=batch.id,
        exam=batch.exam_id,
        title=batch.title,
        template_id=batch.template_id,
        engine=Engine(batch.engine),
        status=BatchStatus(batch.status),
        error_reason=batch.error_reason,
        error_message=message_of(batch.error_reason),
        counts=Counts(**vars(counts)),
        created_by=batch.created_by,
        created_at=batch.created_at,
        updated_at=batch.updated_at,
    )


def show_batch_in_full(
    batch: OmrBatch, counts: BatchCounts, *, files: Sequence[OmrFile], shards: Sequence[OmrShard]
) -> BatchReply:
    return BatchReply(
        **vars(show_batch(batch, counts)),
        files=tuple(
            BatchFile(number=file.number, name=file.name, content_type=file.content_type, size=file.declared_bytes)
            for file in files
        ),
        jobs=tuple(
            BatchJob(
                shard=shard.shard,
                job_id=shard.job_id,
                files=sum(file.shard == shard.shard for file in files),
                is_published=shard.published_job_id is not None,
                error_reason=shard.error_reason,
            )
            for shard in shards
        ),
    )


def show_sheet(services: Services, sheet: Submission) -> SheetRow:
    review = sheet.meta["manual_review"]
    return SheetRow(
        id=sheet.id,
        batch_id=sheet.batch_id,
        exam=sheet.exam_id,
        file=sheet.file_name,
        page=sheet.page,
        status=SubmissionStatus(sheet.status),
        error_reason=sheet.error_reason,
        error_message=message_of(sheet.error_reason),
        identifier=sheet.identifier,
        review=Review(
            required=review["required"],
            reasons=tuple(ReviewReason(reason) for reason in review["reasons"]),
            updated_at=review["updated_at"],
            reviewed_by=sheet.reviewed_by,
            reviewed_at=sheet.reviewed_at,
        ),
        overlay_url=_overlay_url(services, sheet),
        version=sheet.version,
        created_at=sheet.created_at,
        updated_at=sheet.updated_at,
    )


def _overlay_url(services: Services, sheet: Submission) -> str | None:
    """Another one for each version, since browsers keep the picture for a while."""
    if sheet.meta["ai_result"].get("overlay") is None:
        return None
    return f"{services.public_url}/api/v1/omr/sheets/{sheet.id}/overlay.png?v={sheet.version}"


def show_sheet_in_full(
    services: Services, sheet: Submission, *, template: OmrTemplate, edits: Sequence[SubmissionEdit]
) -> SheetReply:
    """Answers in the template's order; those that neither machine nor person has given are left out."""
    reading = SheetReading.model_validate(sheet.meta["ai_result"])
    read = {answer.question_id: answer for answer in reading.answers}
    questions = [output["name"] for output in template.outputs if output["kind"] == "question"]
    answers = []
    for name in [*questions, *sorted(set(sheet.answers) - set(questions))]:
        if name not in sheet.answers:
            continue
        machine = read.get(name)
        answers.append(
            SheetAnswer(
                question_id=name,
                values=tuple(sheet.answers[name]),
                source="person" if name in sheet.corrected else "machine",
                detected=machine.detected if machine is not None else None,
                marking=machine.marking if machine is not None else None,
                confidence=machine.confidence if machine is not None else None,
                status=machine.status if machine is not None else None,
            )
        )
    return SheetReply(
        **vars(show_sheet(services, sheet)),
        answers=tuple(answers),
        identifier_source="person" if student_of(template) in sheet.corrected else "machine",
        reading=reading,
        edits=tuple(Edit.model_validate(vars(edit)) for edit in edits),
    )
