"""A fit with what it was made from, and what each unit of the form says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points, moved
from jobs.omr.registration.candidate import Candidate
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.kinship import LEAST_STANDING_OUT, standing_out
from jobs.omr.registration.likeness import likeness_on
from jobs.omr.registration.refining import Fit
from jobs.omr.registration.seats import Seat, seats_of
from jobs.omr.registration.slips import CLEAR_DIFFERENCE, slips_of

Refit = Callable[[NDArray[np.float64]], Fit]

# Units put in their places one by one are believed if so many of their bubbles are printed, so many of those lie where
# they should, and so many tiles and single bubbles are seen there.
LEAST_PRINTED, LEAST_RIGHT, LEAST_AGREEMENT, LEAST_COVERAGE, LEAST_STRENGTH = 0.6, 0.8, 0.85, 0.9, 0.08
# So many marks and the bubbles agree that lie so few pitches from where the marks put them.
LEAST_ANCHORS, AGREES = 4, 0.15
# Units whose sizes differ by less than this share are of one.
ONE_SIZE = 0.15


@dataclass(frozen=True)
class Found:
    """`refit` finds the form again from another homography, in the same way; `canvas` is what `fit` is on.
    `is_of_units` is true of one whose units were put in their places one by one.
    """

    fit: Fit
    candidate: Candidate
    layout: Layout
    canvas: Canvas
    refit: Refit
    is_of_units: bool = False

    @property
    def method(self) -> str:
        return self.candidate.method

    @cached_property
    def seats(self) -> tuple[Seat, ...]:
        return seats_of(self.fit, self.candidate, self.layout, self.canvas)

    @cached_property
    def doubted(self) -> NDArray[np.bool_]:
        """(n,) bubbles of units that may lie elsewhere; none are asked where marks and bubbles agree by themselves."""
        if self._lies_where_marks_say:
            return np.zeros(len(self.layout.centres), bool)
        return self._of_bubbles([seat.is_doubted for seat in self.seats])

    @property
    def units_doubted(self) -> int:
        return 0 if self._lies_where_marks_say else sum(seat.is_doubted for seat in self.seats)

    @cached_property
    def printed(self) -> NDArray[np.bool_]:
        """(n,) bubbles of units that are seen at all."""
        return self._of_bubbles([seat.is_printed for seat in self.seats])

    @property
    def is_seated(self) -> bool:
        """Whether a fit that was made unit by unit is believed."""
        right = float((self.printed & ~self.doubted).sum()) / max(1, int(self.printed.sum()))
        return (
            float(self.printed.mean()) >= LEAST_PRINTED
            and right >= LEAST_RIGHT
            and self.fit.agreement >= LEAST_AGREEMENT
            and self.fit.coverage >= LEAST_COVERAGE
            and self.fit.strength >= LEAST_STRENGTH
            and not self._is_foreign
        )

    @property
    def furthest(self) -> float:
        """How far the furthest unit that is printed lies off what the others and the marks say, frame units."""
        if self._lies_where_marks_say:
            return float(np.hypot(*self._drift.T).max())
        return max((seat.away for seat in self.seats if seat.is_printed), default=0.0)

    @cached_property
    def _lies_where_marks_say(self) -> bool:
        """The transform of four marks, or more, puts each bubble where it was seen: two witnesses that know nothing of
        each other.
        """
        if self.is_of_units or len(self.candidate.anchors) < LEAST_ANCHORS:
            return False
        return bool((np.abs(self._drift) < AGREES * self.layout.pitches_of_bubble).all())

    @cached_property
    def _drift(self) -> Points:
        """(n, 2) frame units: how far each bubble was found from where the candidate had it."""
        there = self.layout.centres + self.fit.off
        return moved(np.linalg.inv(self.candidate.homography) @ self.fit.homography, there) - self.layout.centres

    @property
    def _is_foreign(self) -> bool:
        """What a page's bubbles look like can be asked where they are all of one size."""
        sizes = np.array([unit.half for unit in self.layout.units])
        if (np.ptp(sizes, axis=0) > ONE_SIZE * sizes.min(axis=0)).any():
            return False
        likeness = likeness_on(self.fit.ink, self.fit.places, self.layout, self.canvas)
        if slips_of(likeness, self.fit.places, self.layout, self.canvas).best[1] > CLEAR_DIFFERENCE:
            return True
        return standing_out(likeness, self.fit.places, self.layout, self.canvas) < LEAST_STANDING_OUT

    def _of_bubbles(self, of_units: list[bool]) -> NDArray[np.bool_]:
        found = np.zeros(len(self.layout.centres), bool)
        for unit, value in zip(self.layout.units, of_units, strict=True):
            found[unit.bubbles] = value
        return found
