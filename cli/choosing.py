"""Which video or job is meant: a whole identifier, or its first characters as tables show them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from cli.api import Api
from pipeline.errors import Invalid, NotFound

# So many of the newest are looked through for a shortened identifier.
LOOKED_THROUGH: Final = 200
SHORTEST: Final = 4


def video_id(api: Api, text: str) -> str:
    """The identifier of the video that `text` names; raises `NotFound`, or `Invalid` where it names several."""
    return whole(text) or only(text, api.videos(limit=LOOKED_THROUGH), "video")


def job_id(api: Api, text: str) -> str:
    """The identifier of the job that `text` names; raises as `video_id` does."""
    return whole(text) or only(text, api.jobs(limit=LOOKED_THROUGH), "job")


def whole(text: str) -> str | None:
    """The identifier, where `text` is a whole one."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def only(text: str, rows: Iterable[Mapping[str, Any]], noun: str) -> str:
    """The identifier among `rows` that begins so; raises `NotFound`, or `Invalid` where it is short or several fit."""
    start = text.lower()
    if len(start) < SHORTEST:
        raise Invalid("identifier_too_short", f"{text!r}: give at least {SHORTEST} characters of the {noun}'s ID")
    found = [str(row["id"]) for row in rows if str(row["id"]).startswith(start)]
    match found:
        case [one]:
            return one
        case []:
            raise NotFound(
                f"{noun}_not_found",
                f"no {noun} among the newest {LOOKED_THROUGH} has an ID that starts with {text!r}; give the whole ID",
            )
        case _:
            raise Invalid("identifier_ambiguous", f"{text!r} could be any of {', '.join(found)}")
