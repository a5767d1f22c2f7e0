"""What the API answers, by field name. Commands print these as they came, so no field is lost on the way."""

from typing import Any, NotRequired, TypedDict


class SignedPut(TypedDict):
    url: str
    headers: dict[str, str]


class SignedPart(SignedPut):
    number: int


class Upload(TypedDict):
    """A single PUT, or `parts` of `part_bytes` each, the last one shorter."""

    url: NotRequired[str]
    headers: NotRequired[dict[str, str]]
    part_bytes: NotRequired[int]
    parts: NotRequired[list[SignedPart]]


class Rendition(TypedDict):
    name: str
    width: int
    height: int
    frame_rate: float
    bytes: int
    segments: int
    duration_s: float
    average_bps: int
    peak_bps: int


class PlannedRung(TypedDict):
    name: str
    width: int
    height: int
    frame_rate: float
    cap_bps: int
    kept: bool
    reason: str


class Video(TypedDict):
    id: str
    title: str
    session: str | None
    status: str
    error_reason: str | None
    duration: float | None
    hls_url: str | None
    thumbnail_url: str | None
    renditions: list[Rendition] | None
    created_at: str
    updated_at: str


class InitReply(Video):
    upload: Upload


class WorkProgress(TypedDict):
    id: str
    status: str
    encoding_progress: NotRequired[int | None]
    encoding_remaining_seconds: NotRequired[int | None]
    encoding_step_index: NotRequired[int | None]
    encoding_step_total: NotRequired[int | None]
    encoding_step_name: NotRequired[str | None]
    encoding_step_percent: NotRequired[int | None]
    error_reason: NotRequired[str | None]


class StepTime(TypedDict):
    name: str
    seconds: float


class Attempt(TypedDict):
    attempt: int
    started_at: str
    ended_at: str | None
    ending: str | None
    exit_code: int | None
    reason: str | None
    detail: str
    steps: list[StepTime]


class PartAttempt(TypedDict):
    part: int
    attempt: int
    started_at: str
    ended_at: str | None
    ending: str | None
    reason: str | None
    detail: str


class Job(TypedDict):
    id: str
    kind: str
    asset_id: str
    state: str
    attempt: int
    handle: str | None
    reason: str | None
    detail: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    attempts: NotRequired[list[Attempt]]
    parts: NotRequired[list[PartAttempt]]
    spec: NotRequired[dict[str, Any]]
    outcome: NotRequired[dict[str, Any] | None]
    executor: NotRequired[dict[str, Any] | None]


class Refused(TypedDict):
    reason: str
    detail: str


class FailedJob(Job):
    """`refusal` is what a resubmit would be answered, None where it would be taken."""

    refusal: Refused | None


class Why(TypedDict):
    cause: str
    detail: str
    remedy: str
    needs_a_person: bool


class WaitingJob(Job):
    waits_since: str
    waits_for_s: float
    why: Why


class Log(TypedDict):
    attempt: int
    lines: list[str]


class Speed(TypedDict):
    """A line of `python -m jobs.transcode.devices.speed`; `fps` is None where there was a `problem`."""

    work: str
    codec: str
    setting: str
    fps: float | None
    problem: str | None
