"""By whom the bubbles of a drawn sheet are found."""

from enum import StrEnum


class Places(StrEnum):
    """`TRUE` places are the drawing's, off by as much as a good registration may be: then the engines alone are at
    fault.
    """

    READER = "reader"
    TRUE = "true"
