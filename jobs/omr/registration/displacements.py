"""A smooth field of displacements: what remains of curled paper, lens and template after the homography."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points

# How many of the nearest groups are asked at each place, and how strongly local tilt is held back, in groups' weight.
NEIGHBOURS = 14
TILT_PRIOR = 1.5
# A value for all others is believed as much as so many groups at hand.
MIDDLE_PRIOR = 0.25
REWEIGHTINGS = 3


@dataclass(frozen=True)
class Displacements:
    """Displacements known at `nodes` (g, 2), frame units; smooth in between (locally weighted affine regression,
    Cleveland 1979, with a ridge on the slopes). No nodes: no displacement anywhere."""

    nodes: Points
    values: Points
    weights: NDArray[np.float64]

    def at(self, points: Points) -> Points:
        """(m, 2) displacements at (m, 2) points, frame units."""
        if not len(self.nodes) or not self.weights.any():
            return np.zeros_like(points)
        return local_fit(self.nodes, self.values, self.weights, points=points)


NONE = Displacements(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


def local_fit(nodes: Points, values: Points, weights: NDArray[np.float64], *, points: Points) -> Points:
    """(m, 2) values at `points` of planes fitted to the nodes around each of them."""
    offsets = nodes[None] - points[:, None]
    distances = np.hypot(offsets[..., 0], offsets[..., 1])
    near = min(NEIGHBOURS, len(nodes))
    reach = np.partition(distances, near - 1, axis=1)[:, near - 1 : near] * 1.3 + 1e-9
    closeness = np.clip(1 - (distances / reach) ** 3, 0, 1) ** 3 * weights
    basis = np.concatenate([np.ones((*distances.shape, 1)), offsets / reach[..., None]], axis=2)
    weighted = basis * closeness[..., None]
    normal = np.einsum("mgi,mgj->mij", weighted, basis)
    right = np.einsum("mgi,gj->mij", weighted, values)
    middle = np.average(values, axis=0, weights=weights)
    normal += np.diag([MIDDLE_PRIOR, TILT_PRIOR, TILT_PRIOR]) * max(float(weights.mean()), 1e-6)
    right[:, 0] += MIDDLE_PRIOR * max(float(weights.mean()), 1e-6) * middle
    return np.asarray(np.linalg.solve(normal, right)[:, 0])


def robust(nodes: Points, values: Points, weights: NDArray[np.float64], *, tolerance: float) -> Displacements:
    """The field with groups that contradict their neighbours by more than `tolerance` weighed down (Tukey's biweight)."""
    kept = weights.copy()
    for _ in range(REWEIGHTINGS):
        left = np.hypot(*(values - local_fit(nodes, values, kept, points=nodes)).T)
        kept = weights * np.clip(1 - (left / (2 * tolerance)) ** 2, 0, 1) ** 2
        if not kept.any():
            return NONE
    return Displacements(nodes, values, kept)
