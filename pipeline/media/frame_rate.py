"""Chooses the constant frame rate that a source is shown at. Pure: time stamps in, a fraction out.

Declared rates are hints only: files are known that declare 1000, 612 and 0.0008 for 30 pictures a second.
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil

# More than a screen shows and than a phone decodes: the default of `TranscodeLimits.max_output_rate`.
MAX_RATE = 60
# A slower slide show is brought to this, so that a 4 s segment has a picture at its start.
MIN_RATE = 1
FALLBACK_RATE = Fraction(25)

STANDARD_RATES = (
    *(Fraction(n) for n in (24, 25, 30, 50, 60, 48, 15, 20, 10, 12, 5, 100, 120, 240)),
    Fraction(25, 2),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60, 120, 15)),
)
# 24 and 24000/1001 are 0.1 % apart; half of that tells them from each other.
SNAP_TOLERANCE = Fraction(1, 2000)
# The share of gaps between pictures that must be alike for the rate to be called constant.
CONSTANT_SHARE = 0.9
# Room for the tracks' timescale in 32 bits, as MP4 stores it.
LARGEST_NUMERATOR = 1_000_000


def choose_rate(
    stamps: Sequence[int], time_base: Fraction, hints: Sequence[Fraction], *, max_rate: int = MAX_RATE
) -> tuple[Fraction, bool]:
    """The output rate in 1/s and whether the source's own is variable.

    `stamps` are presentation times in units of `time_base` (s), ascending and different from each other.
    """
    # Of hours of pictures only a few gaps differ: they are counted, not listed.
    gaps = Counter(b - a for a, b in pairwise(stamps))
    if not gaps:
        rate = next((hint for hint in hints if MIN_RATE <= hint <= max_rate), FALLBACK_RATE)
        return limit_rate(rate, max_rate), False
    median = _quantile(gaps, Fraction(1, 2))
    # Stamps rounded to milliseconds make gaps of 33 and 34: one unit off is alike.
    alike = {gap: count for gap, count in gaps.items() if abs(gap - median) <= max(1, median // 10)}
    if sum(alike.values()) >= CONSTANT_SHARE * gaps.total():
        span = sum(gap * count for gap, count in alike.items())
        measured = Fraction(sum(alike.values()), span) / time_base
        tolerance = max(SNAP_TOLERANCE, Fraction(1, span))
        return limit_rate(snap_rate(measured, hints, tolerance), max_rate), False
    # The quicker gaps are those of the moments in which something moves.
    quick = _quantile(gaps, Fraction(1, 4))
    measured = 1 / (quick * time_base)
    return limit_rate(snap_rate(measured, hints, Fraction(1, 10)), max_rate), True


def _quantile(gaps: Counter[int], share: Fraction) -> int:
    """The gap that this share of them does not exceed or just reaches."""
    ascending = sorted(gaps)
    reached = accumulate(gaps[gap] for gap in ascending)
    return next(gap for gap, count in zip(ascending, reached, strict=True) if count > int(gaps.total() * share))


def snap_rate(measured: Fraction, hints: Sequence[Fraction], tolerance: Fraction) -> Fraction:
    """A hint or a standard rate within `tolerance` (relative) of what was measured, else the measured one.

    A hint next to a standard rate, as 2997/100, means that one.
    """
    meant = [_nearest(hint, STANDARD_RATES, SNAP_TOLERANCE) or hint for hint in hints if hint > 0]
    return _nearest(measured, meant, tolerance) or _nearest(measured, STANDARD_RATES, tolerance) or measured


def _nearest(rate: Fraction, candidates: Sequence[Fraction], tolerance: Fraction) -> Fraction | None:
    near = [other for other in candidates if abs(other - rate) <= tolerance * rate]
    return min(near, key=lambda other: abs(other - rate), default=None)


def limit_rate(rate: Fraction, max_rate: int = MAX_RATE) -> Fraction:
    """At most `max_rate` by dropping whole pictures (120 becomes 60), at least `MIN_RATE`, and writable as MP4."""
    rate = max(rate / max(1, ceil(rate / max_rate)), Fraction(MIN_RATE))
    return rate if rate.numerator <= LARGEST_NUMERATOR else rate.limit_denominator(1001)
