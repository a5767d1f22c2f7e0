"""Moments as people name them: `1d` ago, or a time stamp."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.errors import Invalid

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGO = re.compile(r"(\d{1,6})([smhdw])")


def moment(text: str, *, now: datetime) -> datetime:
    """`90m`, `12h`, `1d`, `2w` before `now`, or ISO 8601; UTC where no zone is named. Raises `Invalid`."""
    ago = _AGO.fullmatch(text.strip().lower())
    try:
        if ago is not None:
            return now - timedelta(seconds=int(ago[1]) * SECONDS[ago[2]])
        said = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as exc:
        raise Invalid(
            "moment_invalid", f"{text!r}: write 90m, 12h, 1d or 2w, or a time like 2026-03-02T09:00Z"
        ) from exc
    return said if said.tzinfo else said.replace(tzinfo=UTC)
