"""Cuts a plan into parts that are encoded apart from each other, each by a process of its own. Pure."""

from bisect import bisect_left
from itertools import pairwise

from pydantic import Field

from jobs.transcode.planning.plan import Grid, Plan
from pipeline.contracts.envelope import Contract


class Part(Contract):
    """Pictures of the segments from `first_segment` up to and without `end_segment`, and all of the sound or none.

    Sound is not cut: where a sample comes to lie depends on all that was heard before it, and an encoder's packets
    overlap. Whole, it is the same to the bit as in one process, and takes a twentieth of the pictures' time.
    """

    first_segment: int = Field(ge=0)
    end_segment: int = Field(ge=1)
    has_sound: bool

    @property
    def segments(self) -> range:
        return range(self.first_segment, self.end_segment)

    def pictures(self, grid: Grid) -> range:
        """The numbers of its pictures on the grid."""
        return range(grid.first_picture(self.first_segment), min(grid.first_picture(self.end_segment), grid.pictures))


def whole(plan: Plan) -> Part:
    """All that a plan has, as one part."""
    return Part(first_segment=0, end_segment=len(plan.grid.starts()), has_sound=plan.audio is not None)


def cut(plan: Plan, count: int) -> tuple[Part, ...]:
    """The whole for one; otherwise parts without sound, at most `count` of them and of nearly the same length."""
    bounds = _bounds(plan.grid, count)
    if len(bounds) == 2:
        return (whole(plan),)
    return tuple(Part(first_segment=first, end_segment=end, has_sound=False) for first, end in pairwise(bounds))


def _bounds(grid: Grid, count: int) -> list[int]:
    starts, keys = grid.starts(), sorted(grid.key_pictures())
    # Encoders give IDR pictures two numbers in turn, and two in a row need different ones (ITU-T H.264, 7.4.3,
    # idr_pic_id). With an even number of them before a part the turn goes on as if it had never been interrupted.
    possible = [number for number, first in enumerate(starts) if number and bisect_left(keys, first) % 2 == 0]
    wished = [round(number * len(starts) / count) for number in range(1, count)]
    chosen = {min(possible, key=lambda at: abs(at - wish)) for wish in wished} if possible else set()
    return [0, *sorted(chosen), len(starts)]
