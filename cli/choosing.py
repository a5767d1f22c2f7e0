"""Which video or job is meant: a whole identifier, or its first characters as tables show them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from cli.api import Api
from pipeline.errors import Invalid, NotFound
from pipeline.identifiers import ID_START_PATTERN

SHORTEST: Final = 4
# More need not be told of those that a shortened identifier could be.
SEVERAL: Final = 10


def video_id(api: Api, text: str) -> str:
    """The identifier of the video that `text` names; raises `NotFound`, or `Invalid` where it names several."""
    return whole(text) or only(text, api.videos(limit=SEVERAL, id_start=start_of(text, "video")).rows, "video")


def job_id(api: Api, text: str) -> str:
    """The identifier of the job that `text` names; raises as `video_id` does."""
    return whole(text) or only(text, api.jobs(limit=SEVERAL, id_start=start_of(text, "job")).rows, "job")


def whole(text: str) -> str | None:
    """The identifier, where `text` is a whole one."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def start_of(text: str, noun: str) -> str:
    """As the API's lists take it; raises `Invalid` where it is short, `NotFound` where no identifier begins so."""
    start = text.lower().replace("-", "")
    if len(start) < SHORTEST:
        raise Invalid("identifier_too_short", f"{text!r}: give at least {SHORTEST} characters of the {noun}'s ID")
    if not re.fullmatch(ID_START_PATTERN, start):
        raise NotFound(f"{noun}_not_found", f"{text!r} is not how the ID of a {noun} begins")
    return start


def only(text: str, rows: Iterable[Mapping[str, Any]], noun: str, *, among: str = "") -> str:
    """The identifier among `rows` that begins so; raises `NotFound`, or `Invalid` where several do."""
    start = start_of(text, noun)
    found = [str(row["id"]) for row in rows if str(row["id"]).replace("-", "").startswith(start)]
    match found:
        case [one]:
            return one
        case []:
            raise NotFound(f"{noun}_not_found", f"no {noun}{among} has an ID that starts with {text!r}")
        case _:
            raise Invalid("identifier_ambiguous", f"{text!r} could be any of {', '.join(found)}")
