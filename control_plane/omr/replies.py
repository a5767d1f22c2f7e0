"""What the OMR routes answer."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from control_plane.replies import Message, Reply, WorkProgress
from pipeline.answer_sheets.template import Template
from pipeline.contracts.omr import AnswerStatus, Engine, Marking, ReviewReason, SheetReading
from pipeline.lifecycle.batch_state import BatchStatus
from pipeline.lifecycle.submission_state import SubmissionStatus


class SignedUpload(Reply):
    """A presigned PUT: the headers must be sent as they are, since the signature covers them."""

    name: str
    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expires_s: int


class Picture(Reply):
    name: str
    content_type: str
    size: int
    is_there: bool
    """Pinned by the first batch that was completed with the template."""


class TemplateRow(Reply):
    """`questions` and `identifiers` are the names of the template's outputs, in order; `student` is the student's."""

    id: UUID
    name: str
    version: str
    questions: tuple[str, ...]
    identifiers: tuple[str, ...]
    student: str | None
    pictures: tuple[Picture, ...]
    created_by: str
    created_at: datetime


class TemplateReply(TemplateRow):
    template: Template


class TemplateCreated(TemplateReply):
    """`uploads` are the PUTs of the pictures that are not pinned yet."""

    uploads: tuple[SignedUpload, ...]


class TemplatePage(Reply):
    items: tuple[TemplateRow, ...]
    next_cursor: str | None


class Counts(Reply):
    """`done` sheets are those with a result: `ok`, `to_review` and `refused` together."""

    done: int
    ok: int
    to_review: int
    refused: int


class BatchFile(Reply):
    number: int
    name: str
    content_type: str
    size: int


class BatchJob(Reply):
    """The newest job of a part of the batch; `files` is how many it reads."""

    shard: int
    job_id: UUID
    files: int
    is_published: bool
    error_reason: str | None


class BatchRow(Reply):
    """On a PENDING batch, `error_reason` is why `complete` refused it."""

    id: UUID
    exam: str
    title: str | None
    template_id: UUID
    engine: Engine
    status: BatchStatus
    error_reason: str | None
    error_message: Message | None
    counts: Counts
    created_by: str
    created_at: datetime
    updated_at: datetime


class BatchReply(BatchRow):
    files: tuple[BatchFile, ...]
    jobs: tuple[BatchJob, ...]


class BatchCreated(BatchReply):
    uploads: tuple[SignedUpload, ...]


class BatchUploads(Reply):
    uploads: tuple[SignedUpload, ...]


class BatchPage(Reply):
    items: tuple[BatchRow, ...]
    next_cursor: str | None


class Review(Reply):
    """`required` is what the review list goes by; `reasons` are the machine's. A person's look settles it."""

    required: bool
    reasons: tuple[ReviewReason, ...]
    updated_at: datetime
    reviewed_by: str | None
    reviewed_at: datetime | None


class SheetRow(Reply):
    """A page of an upload. `identifier` is the person's where one gave it, else the machine's.

    `version` counts the changes of the sheet: send it with a correction.
    """

    id: UUID
    batch_id: UUID
    exam: str
    file: str
    page: int
    status: SubmissionStatus
    error_reason: str | None
    error_message: Message | None
    identifier: str | None
    review: Review
    overlay_url: str | None
    version: int
    created_at: datetime
    updated_at: datetime


class SheetAnswer(Reply):
    """`values` are what counts. The rest is the machine's reading, null where it read nothing."""

    question_id: str
    values: tuple[str, ...]
    source: Literal["machine", "person"]
    detected: tuple[str, ...] | None
    marking: Marking | None
    confidence: float | None
    status: AnswerStatus | None


class Edit(Reply):
    """What a person said: `version` is the sheet's after it."""

    version: int
    action: Literal["answers", "confirm"]
    answers: dict[str, tuple[str, ...]]
    identifier: str | None
    note: str
    edited_by: str
    edited_at: datetime


class SheetReply(SheetRow):
    """`reading` is the machine's result as it came; corrections do not touch it."""

    answers: tuple[SheetAnswer, ...]
    identifier_source: Literal["machine", "person"]
    reading: SheetReading
    edits: tuple[Edit, ...]


class SheetPage(Reply):
    items: tuple[SheetRow, ...]
    next_cursor: str | None


class BatchProgress(WorkProgress):
    """As of a video; several jobs of a batch add up by the pages that each was expected to have."""

    status: BatchStatus
    error_reason: str | None = None


class ExportedBatch(Reply):
    """The JSON export: what counts of each sheet, without what the machine measured."""

    batch: BatchRow
    questions: tuple[str, ...]
    sheets: tuple[dict[str, Any], ...]
