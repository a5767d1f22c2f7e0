"""A smooth field of displacements: what remains of curled paper, lens and template after the homography."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points

# How many of the nearest groups are asked at each place, and how strongly local tilt is held back, in groups' weight.
NEIGHBOURS = 14
# The last of them counts little, and groups up to so much further away still less; of them there are about 24 in all.
REACH = 1.3
MOST_WITHIN_REACH = 28
TILT_PRIOR = 1.5
# A value for all others is believed as much as so many groups at hand.
MIDDLE_PRIOR = 0.25
REWEIGHTINGS = 3
# What a node of another block counts.
OTHER_BLOCKS = 0.05
# Of a form its groups, its bubbles and its fields' axes are asked for; a thousand bubbles take 1.5 MB.
KEPT = 8


@dataclass(frozen=True)
class Neighbourhood:
    """What each of m points has to do with the k nodes nearest to it: geometry alone, the same for all pages of a form.

    `chosen` (m, k) are those nodes. `moments` (m, 6, k) are what each adds, at weight 1, to its point's normal matrix
    of a plane: 1, x, y, xx, xy and yy, where x and y are the node's offsets from the point.
    """

    chosen: NDArray[np.intp]
    moments: NDArray[np.float64]


# Where each of the moments stands in the normal matrix.
_IN_MATRIX = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])


@dataclass(frozen=True)
class Displacements:
    """Displacements known at `nodes` (g, 2), frame units, and smooth in between; none anywhere without nodes.

    Locally weighted affine regression (Cleveland 1979), with a ridge on the slopes. `blocks` (g,) are the grids that
    nodes stand in: a template may have each of them a little off, so that they share little with one another.
    """

    nodes: Points
    values: Points
    weights: NDArray[np.float64]
    blocks: NDArray[np.int32]

    def at(self, points: Points) -> Points:
        """(m, 2) displacements at (m, 2) points, frame units; a point belongs to the block of the nearest node."""
        if not len(self.nodes) or not self.weights.any():
            return np.zeros_like(points)
        near = neighbourhood(self.nodes, self.blocks, points)
        # The sums over the neighbours of each moment, and of each moment times the displacement across and down.
        known = np.column_stack([self.weights, self.weights[:, None] * self.values])
        sums = near.moments @ known[near.chosen]
        normal, right = sums[:, _IN_MATRIX, 0], sums[:, :3, 1:]
        prior = max(float(self.weights.mean()), 1e-6)
        normal += np.diag([MIDDLE_PRIOR, TILT_PRIOR, TILT_PRIOR]) * prior
        right[:, 0] += MIDDLE_PRIOR * prior * (self.weights @ self.values / self.weights.sum())
        return np.asarray(np.linalg.solve(normal, right)[:, 0])


def neighbourhood(nodes: Points, blocks: NDArray[np.int32], points: Points) -> Neighbourhood:
    """Worked out once for places that are asked for again, as a form's are on each of its pages."""
    arrays = (np.asarray(nodes, np.float64), np.asarray(blocks, np.int32), np.asarray(points, np.float64))
    return _neighbourhood(*(array.tobytes() for array in arrays))


@lru_cache(maxsize=KEPT)
def _neighbourhood(nodes_: bytes, blocks_: bytes, points_: bytes) -> Neighbourhood:
    nodes, points = (np.frombuffer(each, np.float64).reshape(-1, 2) for each in (nodes_, points_))
    blocks = np.frombuffer(blocks_, np.int32)
    offsets = nodes[None] - points[:, None]
    squared = (offsets**2).sum(axis=2)
    near, some = min(NEIGHBOURS, len(nodes)), min(MOST_WITHIN_REACH, len(nodes))
    chosen = np.argpartition(squared, some - 1, axis=1)[:, :some]
    offsets = np.take_along_axis(offsets, chosen[..., None], axis=1)
    distances = np.sqrt(np.take_along_axis(squared, chosen, axis=1))
    reach = np.partition(distances, near - 1, axis=1)[:, near - 1 : near] * REACH + 1e-9
    of_nodes = blocks[chosen]
    same = np.take_along_axis(of_nodes, distances.argmin(axis=1)[:, None], axis=1) == of_nodes
    closeness = np.clip(1 - (distances / reach) ** 3, 0, 1) ** 3 * np.where(same, 1, OTHER_BLOCKS)
    x, y = (offsets / reach[..., None]).transpose(2, 0, 1)
    moments = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1) * closeness[:, None]
    return Neighbourhood(chosen, moments)


NONE = Displacements(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.int32))


def robust(field: Displacements, *, tolerance: float) -> Displacements:
    """The field with groups that contradict their neighbours by more than `tolerance` weighed down (Tukey)."""
    found = field
    for _ in range(REWEIGHTINGS):
        left = np.hypot(*(found.values - found.at(found.nodes)).T)
        kept = field.weights * np.clip(1 - (left / (2 * tolerance)) ** 2, 0, 1) ** 2
        if not kept.any():
            return NONE
        found = replace(field, weights=kept)
    return found
