"""Bit rates of a track, from the size and length of its parts. Pure."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

Part = tuple[int, Fraction]
"""Bytes and seconds of a segment, or of an I-frame."""


def average_bps(parts: Sequence[Part]) -> int:
    """Over all parts (RFC 8216, 4.3.4.2)."""
    return round(8 * sum(size for size, _ in parts) / sum(length for _, length in parts))


def peak_bps(parts: Sequence[Part]) -> int:
    """Of any run of parts that lasts about a target duration; a short part counts with its neighbour.

    RFC 8216 (4.1) looks at runs of 0.5 to 1.5 target durations. A run of two long parts is never above both.
    """
    target = max(length for _, length in parts)
    pairs = [(first[0] + second[0], first[1] + second[1]) for first, second in pairwise(parts)]
    rates = [8 * size / length for size, length in [*parts, *pairs] if 2 * length >= target]
    return max(round(max(rates)), average_bps(parts))
