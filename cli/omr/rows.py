"""What the API answers about answer sheets, by field name."""

from typing import Any, NotRequired, TypedDict

from cli.rows import SignedPut


class NamedPut(SignedPut):
    name: str


class TemplateCreated(TypedDict):
    id: str
    name: str
    version: str
    uploads: list[NamedPut]


class Counts(TypedDict):
    done: int
    ok: int
    to_review: int
    refused: int


class BatchFile(TypedDict):
    number: int
    name: str
    size: int


class Batch(TypedDict):
    id: str
    exam: str
    title: str | None
    template_id: str
    engine: str
    status: str
    error_reason: str | None
    counts: Counts
    created_by: str
    created_at: str
    updated_at: str
    files: NotRequired[list[BatchFile]]
    jobs: NotRequired[list[dict[str, Any]]]


class BatchCreated(Batch):
    uploads: list[NamedPut]


class Review(TypedDict):
    required: bool
    reasons: list[str]
    reviewed_by: str | None
    reviewed_at: str | None


class Answer(TypedDict):
    """`values` count; the rest is the machine's reading."""

    question_id: str
    values: list[str]
    source: str
    detected: list[str] | None
    confidence: float | None
    status: str | None


class Sheet(TypedDict):
    id: str
    batch_id: str
    exam: str
    file: str
    page: int
    status: str
    error_reason: str | None
    identifier: str | None
    review: Review
    version: int
    created_at: str
    answers: NotRequired[list[Answer]]
    edits: NotRequired[list[dict[str, Any]]]
