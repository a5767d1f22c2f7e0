"""What a drawn bubble is: the classes that the mark network tells apart, in the order of its outputs."""

from enum import IntEnum


class Drawn(IntEnum):
    """`PARTIAL` covers part of the bubble or strikes it once, `ERASED` was filled and rubbed out, `CANCELLED` was
    marked and then struck out beyond the bubble's own size.
    """

    BLANK = 0
    FILLED = 1
    PARTIAL = 2
    ERASED = 3
    CANCELLED = 4
    TICK = 5
    CROSS = 6
