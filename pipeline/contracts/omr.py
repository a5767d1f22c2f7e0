"""The OMR job: what it is told and what it tells. An answer's words are those that clients of version 1 know."""

from enum import StrEnum
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from pipeline.answer_sheets.template import Template
from pipeline.contracts.envelope import Contract, OutputPath, Step, StepTime
from pipeline.contracts.transcode import Source
from pipeline.reasons import Reason

RESULT_VERSION: Final = "v1"

# Below it an answer goes to a person.
REVIEW_CONFIDENCE = 0.70

STEPS: tuple[Step, ...] = (
    Step(name="presigning", index=1, weight=1, display_ko="준비", display_en="Preparing"),
    Step(name="downloading", index=2, weight=9, display_ko="원본 다운로드", display_en="Downloading"),
    Step(name="reading", index=3, weight=80, display_ko="답안 판독", display_en="Reading"),
    Step(name="uploading", index=4, weight=10, display_ko="업로드", display_en="Uploading"),
)


class Engine(StrEnum):
    """`network` is cross-checked by `classical`: where they differ the answer goes to review."""

    AUTO = "auto"
    NETWORK = "network"
    CLASSICAL = "classical"


class Marking(StrEnum):
    BLANK = "blank"
    SINGLE = "single"
    MULTI = "multi"


class AnswerStatus(StrEnum):
    OK = "ok"
    BLANK = "blank"
    AMBIGUOUS = "ambiguous"
    LOW_CONFIDENCE = "low_confidence"
    ERROR = "error"


class ReviewReason(StrEnum):
    ANSWER_STATUS_NOT_OK = "ANSWER_STATUS_NOT_OK"
    ANSWER_BLANK_OR_MULTI = "ANSWER_BLANK_OR_MULTI"
    ANSWER_LOW_CONFIDENCE = "ANSWER_LOW_CONFIDENCE"
    IDENTIFIER_NOT_OK = "IDENTIFIER_NOT_OK"


class Answer(Contract):
    """One question as read. `detected` are the values that count as marked, in the template's order."""

    question_id: str
    detected: tuple[str, ...]
    marking: Marking
    confidence: float = Field(ge=0, le=1)
    status: AnswerStatus


class Identifier(Contract):
    """Several fields put together; `value` is None where a place has no mark that can be told, or two of them."""

    name: str
    value: str | None
    confidence: float = Field(ge=0, le=1)
    status: AnswerStatus


class RegistrationFacts(Contract):
    """How the page was found: by what, and how far off the fit was, root mean square, in millimetres on paper.

    `block_residual_mm` is how far the furthest block lies off what the others and the marks say, `blocks_doubted` the
    number of those whose answers are left to a person. Readings of before have neither.
    """

    method: str
    residual_mm: float = Field(ge=0)
    block_residual_mm: float = Field(default=0.0, ge=0)
    blocks_doubted: int = Field(default=0, ge=0)
    quarter_turns: int = Field(ge=0, le=3)


class SheetReading(Contract):
    """One page of an upload: read, or refused with a reason. Pages count from 1 within their file.

    `identifier` is the student's; other identifiers of the template are in `identifiers`. `overlay` is the path of
    the picture that shows what was read, below the attempt's prefix. `page_id` is what the page's QR code says.
    """

    file: str
    page: int = Field(ge=1)
    state: Literal["read", "refused"]
    reason: Reason | None = None
    detail: str = ""
    answers: tuple[Answer, ...] = ()
    identifier: Identifier | None = None
    identifiers: tuple[Identifier, ...] = ()
    page_id: str | None = None
    registration: RegistrationFacts | None = None
    version: Literal["v1"] = RESULT_VERSION
    mode: Literal["scan", "photo"] = "scan"
    meta_used: bool = True
    review_reasons: tuple[ReviewReason, ...] = ()
    overlay: OutputPath | None = None

    @model_validator(mode="after")
    def _refused_has_a_reason(self) -> Self:
        if (self.state == "refused") != (self.reason is not None):
            raise ValueError(f"state {self.state!r} does not go with reason {self.reason!r}")
        return self


class OmrLimits(Contract):
    """What an upload may be at most, and what the children that decode it may use."""

    max_pixels: int = Field(default=40_000_000, ge=1)
    max_pages: int = Field(default=500, ge=1)
    decoder_memory_mib: int = Field(default=1024, ge=256)
    decoder_cpu_s: int = Field(default=3600, ge=1)
    page_timeout_s: float = Field(default=60.0, gt=0)


class UploadedFile(Contract):
    """One file of a batch; `name` is what the user called it, unique within the batch."""

    name: str = Field(min_length=1, max_length=255)
    source: Source


class OmrSpec(Contract):
    """Everything that reading needs to know. `pictures` are the template's own, by the names that it uses.

    `first_page` and `last_page` (from 1, counted over all files in order) bound what this job reads of the batch.
    """

    batch_id: str
    template: Template
    pictures: tuple[UploadedFile, ...] = ()
    files: tuple[UploadedFile, ...] = Field(min_length=1, max_length=500)
    first_page: int = Field(default=1, ge=1)
    last_page: int | None = Field(default=None, ge=1)
    engine: Engine = Engine.AUTO
    overlays: bool = True
    limits: OmrLimits = OmrLimits()


class OmrOutcome(Contract):
    """How an attempt ended. A page that could not be read is a refused sheet, not a failed job."""

    status: Literal["ready", "failed"]
    reason: Reason | None = None
    detail: str = ""
    sheets: tuple[SheetReading, ...] = ()
    engine: str | None = None
    provider: str | None = None
    steps: tuple[StepTime, ...] = ()

    @model_validator(mode="after")
    def _failed_has_a_reason(self) -> Self:
        if (self.status == "failed") != (self.reason is not None):
            raise ValueError(f"status {self.status!r} does not go with reason {self.reason!r}")
        return self
