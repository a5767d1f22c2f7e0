"""What the answers of several capabilities have in common."""

from pydantic import BaseModel, ConfigDict

from pipeline.reasons import sentence_of


class Reply(BaseModel):
    """Times are ISO 8601 in UTC; a list's `next_cursor` is null on its last page."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Message(Reply):
    """A reason in words for a teacher."""

    en: str
    ko: str


def message_of(reason: str | None) -> Message | None:
    """None where the reason is none that has a sentence."""
    said = sentence_of(reason)
    return Message(en=said.en, ko=said.ko) if said is not None else None


class WorkProgress(Reply):
    """How far the work is; 200 also where nothing of it is known."""

    id: str
    status: str
    progress: int
    """Percent of the whole work; the same as `encoding_progress`."""
    encoding_progress: int
    encoding_remaining_seconds: int | None
    encoding_step_index: int | None
    """Counted from 1."""
    encoding_step_total: int
    encoding_step_name: str | None
    encoding_step_name_display: Message | None
    encoding_step_percent: int | None
    """Percent of this step."""
