"""Pages of a list: a cursor is the place of a page's last row, in a form that callers do not look into."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from pipeline.database.videos import Cursor
from pipeline.errors import Invalid
from pipeline.identifiers import ID_START_PATTERN

# A list's filter: how the identifiers of its rows begin, without their dashes.
IdStart = Annotated[str | None, Query(pattern=ID_START_PATTERN)]


def encode_cursor(cursor: Cursor) -> str:
    return urlsafe_b64encode(f"{cursor.created_at.isoformat()} {cursor.id}".encode()).decode().rstrip("=")


def parse_cursor(text: str | None) -> Cursor | None:
    """None for the first page; raises `Invalid` for what `encode_cursor` has not made."""
    if text is None:
        return None
    try:
        created_at, _, identifier = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(" ")
        return Cursor(datetime.fromisoformat(created_at), UUID(identifier))
    except ValueError as exc:
        raise Invalid("cursor_invalid", f"{text[:100]!r} is not a cursor of this list") from exc


def encode_place(*numbers: int) -> str:
    """As `encode_cursor`, for a list that is ordered by whole numbers."""
    return urlsafe_b64encode(" ".join(map(str, numbers)).encode()).decode().rstrip("=")


def parse_place(text: str | None, *, length: int) -> tuple[int, ...] | None:
    """None for the first page; raises `Invalid` for what `encode_place` has not made of so many numbers."""
    if text is None:
        return None
    try:
        numbers = tuple(int(part) for part in urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" "))
        if len(numbers) != length or not all(0 <= number < 2**63 for number in numbers):
            raise ValueError(f"{numbers}")  # noqa: TRY301
    except ValueError as exc:
        raise Invalid("cursor_invalid", f"{text[:100]!r} is not a cursor of this list") from exc
    return numbers


def next_cursor(rows: list[Cursor], *, limit: int) -> str | None:
    """The cursor behind the last row; None where this page is not full."""
    return encode_cursor(rows[-1]) if len(rows) == limit else None
