"""Bubbles of one size and pitch that stand together in one grid: what is printed as one piece, and lies as one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

# Bubbles further apart than so many of their fields' steps stand in different units.
GAP_IN_STEPS = 2.2
# Sizes and steps that differ by less than this share are the same.
SAME = 0.03
# A unit's bubbles are measured in tiles of about so many rows and columns, and of no fewer bubbles than the last.
ROWS_OF_TILE = 4
LEAST_OF_TILE = 6
# What stands for a pitch where there is no next bubble, in half bubbles.
NO_NEXT = 3.0


@dataclass(frozen=True)
class Unit:
    """`bubbles` (k,) in the form's order. `half` and `pitch` are (2,) in frame units, across and down; a pitch is
    infinite where there is no next bubble that way. `tiles` are parts of it, each (t,) places within `bubbles`.
    """

    bubbles: NDArray[np.intp]
    half: tuple[float, float]
    pitch: tuple[float, float]
    square: bool
    tiles: tuple[NDArray[np.intp], ...]

    @property
    def steps(self) -> Points:
        """(2,) the pitch, or what stands for it."""
        half, pitch = np.array(self.half), np.array(self.pitch)
        return np.where(np.isfinite(pitch), pitch, NO_NEXT * half)


def units_of(
    centres: Points, half_sizes: Points, *, square: NDArray[np.bool_], field_of_bubble: NDArray[np.int32]
) -> tuple[Unit, ...]:
    """Bubbles of fields that are alike stand in one unit where they are near to each other, and those of one field."""
    steps = _steps(centres, field_of_bubble)
    scale = float(np.median(half_sizes))
    alike = np.round(np.column_stack([half_sizes, steps]) / (SAME * scale)).astype(np.int64)
    designs = np.unique(np.column_stack([alike, square]), axis=0, return_inverse=True)[1].ravel()
    found = []
    for members in _parts(designs):
        half = np.median(half_sizes[members], axis=0)
        near = GAP_IN_STEPS * max(float(np.hypot(*steps[members[0]])), NO_NEXT * float(half.max()))
        together = _together(centres[members], near)
        _, fields = np.unique(field_of_bubble[members], return_inverse=True)
        for part in _parts(_joined_by_fields(together, fields.ravel().astype(np.int32))):
            bubbles = members[part]
            places = centres[bubbles]
            pitch = (_pitch(places, half, axis=0), _pitch(places, half, axis=1))
            is_square = bool(square[bubbles[0]])
            found.append(Unit(bubbles, (float(half[0]), float(half[1])), pitch, is_square, _tiles(places, pitch)))
    return tuple(found)


def _together(places: Points, near: float) -> NDArray[np.int32]:
    """(k,) the same number for places that a chain of steps shorter than `near` joins."""
    here, there = np.nonzero(np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) < near)
    labels = np.arange(len(places), dtype=np.int32)
    while True:
        joined = labels.copy()
        np.minimum.at(joined, here, labels[there])
        joined = joined[joined]
        if (joined == labels).all():
            return labels
        labels = joined


def _parts(labels: NDArray[np.signedinteger[Any]]) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _joined_by_fields(blocks: NDArray[np.int32], fields: NDArray[np.int32]) -> NDArray[np.int32]:
    """(n,) the blocks' labels, the same for all that share a field."""
    while True:
        of_field = np.full(int(fields.max()) + 1, blocks.max(), np.int32)
        np.minimum.at(of_field, fields, blocks)
        of_block = np.full(int(blocks.max()) + 1, blocks.max(), np.int32)
        np.minimum.at(of_block, blocks, of_field[fields])
        joined = of_block[blocks]
        if (joined == blocks).all():
            return blocks
        blocks = joined


def _steps(centres: Points, field_of_bubble: NDArray[np.int32]) -> Points:
    """(n, 2) from bubble to bubble in each bubble's field; 0 in a field of one."""
    starts = np.searchsorted(field_of_bubble, np.arange(int(field_of_bubble.max()) + 1))
    ends = np.append(starts[1:], len(centres)) - 1
    steps = np.abs(centres[ends] - centres[starts]) / np.maximum(ends - starts, 1)[:, None]
    return np.asarray(steps[field_of_bubble])


def _pitch(places: Points, half: Points, *, axis: int) -> float:
    """The usual distance to the next bubble of the same line along an axis."""
    line = np.round(places[:, 1 - axis] / half[1 - axis])
    order = np.lexsort((places[:, axis], line))
    along = np.diff(places[order, axis])
    steps = along[(np.diff(line[order]) == 0) & (along > half[axis])]
    return float(np.median(steps)) if len(steps) else float("inf")


def _tiles(places: Points, pitch: tuple[float, float]) -> tuple[NDArray[np.intp], ...]:
    counts = [
        max(1, round((np.ptp(places[:, axis]) / pitch[axis] + 1) / ROWS_OF_TILE)) if np.isfinite(pitch[axis]) else 1
        for axis in (0, 1)
    ]
    if len(places) < LEAST_OF_TILE * counts[0] * counts[1]:
        counts = [1, max(1, len(places) // LEAST_OF_TILE)] if np.ptp(places[:, 1]) > np.ptp(places[:, 0]) else [1, 1]
    low, size = places.min(axis=0), np.maximum(np.ptp(places, axis=0), 1e-9)
    cell = np.minimum((places - low) / size * counts, np.array(counts) - 1).astype(np.intp)
    number = cell[:, 0] * counts[1] + cell[:, 1]
    return tuple(_parts(number))
