"""A smooth field of displacements: what remains of curled paper, lens and template after the homography."""

from dataclasses import dataclass, replace

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
        offsets = self.nodes[None] - points[:, None]
        squared = (offsets**2).sum(axis=2)
        near, some = min(NEIGHBOURS, len(self.nodes)), min(MOST_WITHIN_REACH, len(self.nodes))
        chosen = np.argpartition(squared, some - 1, axis=1)[:, :some]
        offsets = np.take_along_axis(offsets, chosen[..., None], axis=1)
        distances = np.sqrt(np.take_along_axis(squared, chosen, axis=1))
        reach = np.partition(distances, near - 1, axis=1)[:, near - 1 : near] * REACH + 1e-9
        blocks = self.blocks[chosen]
        same = np.take_along_axis(blocks, distances.argmin(axis=1)[:, None], axis=1) == blocks
        closeness = np.clip(1 - (distances / reach) ** 3, 0, 1) ** 3
        closeness *= self.weights[chosen] * np.where(same, 1, OTHER_BLOCKS)
        basis = np.concatenate([np.ones((*distances.shape, 1)), offsets / reach[..., None]], axis=2)
        weighted = (basis * closeness[..., None]).transpose(0, 2, 1)
        normal = weighted @ basis
        right = weighted @ self.values[chosen]
        prior = max(float(self.weights.mean()), 1e-6)
        normal += np.diag([MIDDLE_PRIOR, TILT_PRIOR, TILT_PRIOR]) * prior
        right[:, 0] += MIDDLE_PRIOR * prior * np.average(self.values, axis=0, weights=self.weights)
        return np.asarray(np.linalg.solve(normal, right)[:, 0])


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
