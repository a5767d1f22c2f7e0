"""What a check of this machine found."""

from dataclasses import dataclass
from enum import StrEnum


class Finding(StrEnum):
    GOOD = "good"
    ABSENT = "absent"
    """Not here, and nothing needs it."""
    POOR = "poor"
    """It works, but a person should know."""
    BROKEN = "broken"
    """Something that is needed does not work."""


@dataclass(frozen=True)
class Check:
    subject: str
    finding: Finding
    detail: str
