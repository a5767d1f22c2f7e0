"""Numbers as people read them."""

from datetime import UTC, datetime


def size(count: float) -> str:
    """`12.3 MB` of bytes; decimal units, as browsers and file managers show them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def bitrate(bits_per_second: float) -> str:
    if bits_per_second < 1_000_000:
        return f"{bits_per_second / 1000:.0f} kbit/s"
    return f"{bits_per_second / 1_000_000:.2f} Mbit/s"


def duration(seconds: float | None) -> str:
    """`8.2 s`, `1:05`, `1:02:03`: tenths only where they matter. Empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def remaining(seconds: float) -> str:
    """`about 2 min left`."""
    if seconds < 60:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {round(seconds / 3600)} h left"


def moment(text: str | None) -> datetime | None:
    """The API's ISO 8601 time stamps; one without a zone is UTC."""
    if not text:
        return None
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def age(text: str | None, *, now: datetime) -> str:
    """`5 min ago` of a time stamp."""
    then = moment(text)
    if then is None:
        return ""
    seconds = max(0.0, (now - then).total_seconds())
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // unit)} {name} ago"
    return f"{int(seconds // 86_400)} d ago"


def local_time(text: str | None) -> str:
    """The time stamp on this machine's clock, to the second."""
    then = moment(text)
    return then.astimezone().strftime("%Y-%m-%d %H:%M:%S") if then else ""
