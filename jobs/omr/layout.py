"""The geometry of a form's bubbles that registration asks for again and again, worked out once per form."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.units import Unit, units_of

Points = NDArray[np.float64]

# So many bubbles tell a good transform from a bad one; more only cost time.
ENOUGH_BUBBLES = 300
# Where, in half sizes, the paper around a bubble is looked at, and how far that must stay from other bubbles.
GAP_AT = 1.5
CLEAR_OF_OTHERS = 1.2
# Bubbles further apart than this belong to different blocks.
BLOCK_GAP_IN_PITCHES = 2.2
# Places nearer to each other than this are the same.
SAME_PLACE_IN_PITCHES = 0.4
COMPARED_AT_ONCE = 64
# Of a form's bubbles so many come to lie on others after a half turn if it looks alike then.
ALIKE_TURNED = 0.8
# So many bubbles tell whether a page's bubbles are this form's, and a place beside one is so far from all others.
ASKED_BUBBLES = 80
GOLDEN = (5**0.5 - 1) / 2
BESIDE_IN_PITCHES = 0.35
# Above so many bubbles displacements are measured a field at a time.
MOST_SINGLE_BUBBLES = 260


@dataclass(frozen=True)
class Beside:
    """(k,) which bubbles, and (k, 2) steps of half a pitch from them to where the form has none."""

    bubbles: NDArray[np.intp]
    steps: Points


@dataclass(frozen=True)
class Layout:
    """`centres` and `half_sizes` are (n, 2) in frame units, `field_of_bubble` (n,) counts from 0, `square` is (n,)."""

    centres: Points
    half_sizes: Points
    field_of_bubble: NDArray[np.int32]
    square: NDArray[np.bool_]

    @cached_property
    def half_size(self) -> tuple[float, float]:
        """Half width and half height of the usual bubble, frame units."""
        width, height = np.median(self.half_sizes, axis=0)
        return float(width), float(height)

    @cached_property
    def radius(self) -> float:
        """The usual bubble's half size, frame units."""
        return float(np.sqrt(self.half_size[0] * self.half_size[1]))

    @cached_property
    def pitch(self) -> float:
        """The usual distance from a bubble to its nearest neighbour, frame units."""
        if len(self.centres) < 2:
            return 4 * self.radius
        nearest = [np.partition(np.hypot(*(self.centres - centre).T), 1)[1] for centre in self.sample]
        return float(np.median(nearest))

    @cached_property
    def pitches(self) -> Points:
        """(2,) the usual distances across and down to the next bubble of the same row and column, frame units."""
        across, down = [self.pitch], [self.pitch]
        for centre in self.sample:
            off = np.abs(self.centres - centre)
            for axis, found in ((0, across), (1, down)):
                line = off[(off[:, 1 - axis] < 0.5 * self.radius) & (off[:, axis] > self.radius), axis]
                if len(line):
                    found.append(float(line.min()))
        return np.array([np.median(across), np.median(down)])

    @cached_property
    def pitches_of_bubble(self) -> Points:
        """(n, 2) the usual distances across and down to the next bubble in each bubble's own block, frame units."""
        found = np.tile(self.pitches, (len(self.centres), 1))
        for members in self.blocks:
            centres = self.centres[members]
            for axis in (0, 1):
                order = np.lexsort((centres[:, axis], np.round(centres[:, 1 - axis] / self.radius)))
                along, line = centres[order, axis], centres[order, 1 - axis]
                steps = np.diff(along)[(np.abs(np.diff(line)) < self.radius) & (np.diff(along) > self.radius)]
                if len(steps):
                    found[members, axis] = np.median(steps)
        return found

    @cached_property
    def rims(self) -> dict[tuple[int, int], tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """(lost, gained) for each step of every block by one of its pitches across, down or both.

        `lost` are the bubbles whose places no other would take, `gained` those that would come to lie where none is.
        """
        found = {}
        for across, down in product((-1, 0, 1), repeat=2):
            by = np.array([across, down]) * self.pitches_of_bubble
            lost = _alone(self.centres, self.centres + by, SAME_PLACE_IN_PITCHES * self.pitch)
            gained = _alone(self.centres + by, self.centres, SAME_PLACE_IN_PITCHES * self.pitch)
            found[across, down] = lost, gained
        return found

    @cached_property
    def beside(self) -> tuple["Beside", "Beside"]:
        """Places across and down from some bubbles, spread over the form."""
        # By the golden section, since every n-th bubble may be always the same option.
        some = np.unique((np.arange(ASKED_BUBBLES) * GOLDEN % 1 * len(self.centres)).astype(np.intp))
        found = []
        for axis in (0, 1):
            steps = np.zeros((2, 2))
            steps[:, axis] = 0.5, -0.5
            bubbles = np.repeat(some, 2)
            by = np.tile(steps, (len(some), 1)) * self.pitches_of_bubble[bubbles]
            off = np.abs(self.centres[bubbles][:, None] + by[:, None] - self.centres) / self.pitches_of_bubble
            free = (off.max(axis=2) > BESIDE_IN_PITCHES).all(axis=1)
            found.append(Beside(bubbles[free], by[free]))
        return found[0], found[1]

    @property
    def sample_step(self) -> int:
        return max(1, -(-len(self.centres) // ENOUGH_BUBBLES))

    @cached_property
    def sample(self) -> Points:
        """(m, 2) bubbles spread over the whole form, at most ENOUGH_BUBBLES."""
        return self.centres[:: self.sample_step]

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all bubbles, frame units."""
        low, high = (self.centres - self.half_sizes).min(axis=0), (self.centres + self.half_sizes).max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @cached_property
    def half_turn(self) -> NDArray[np.float64]:
        """(3, 3) that turns the form upside down about the middle of all bubbles, frame units."""
        left, top, right, bottom = self.box
        return np.array([[-1, 0, left + right], [0, -1, top + bottom], [0, 0, 1]], np.float64)

    @cached_property
    def looks_alike_turned(self) -> bool:
        """Whether bubbles come to lie on bubbles after a half turn, so that they do not tell which way up it is."""
        turned = moved(self.half_turn, self.sample)
        off = np.abs(turned[:, None] - self.centres[None]) / self.pitches_of_bubble[None]
        return float((off.max(axis=2) < SAME_PLACE_IN_PITCHES).any(axis=1).mean()) > ALIKE_TURNED

    @cached_property
    def probes(self) -> tuple[Points, NDArray[np.float32]]:
        """(p, 2) points and (p,) weights: their weighted sum of ink is high where bubbles are, and nothing elsewhere.

        Inside a bubble and on its outline the weight is positive; in the clear paper around it, negative.
        """
        angles = np.arange(8) * np.pi / 4
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        half = np.array(self.half_size)
        points, weights = [], []
        for centre in self.sample:
            gap = centre + GAP_AT * half * ring
            others = np.abs(gap[:, None] - self.centres) / (CLEAR_OF_OTHERS * half)
            gap = gap[(others.max(axis=2) > 1).all(axis=1)]
            if not len(gap):
                continue
            inside = np.concatenate([centre + half * ring, centre + 0.5 * half * ring[::2], centre[None]])
            points += [inside, gap]
            weights += [np.full(len(inside), 1 / len(inside)), np.full(len(gap), -1 / len(gap))]
        if not points:
            return np.zeros((0, 2)), np.zeros(0, np.float32)
        return np.concatenate(points), np.concatenate(weights).astype(np.float32)

    @cached_property
    def block_of_bubble(self) -> NDArray[np.int32]:
        """(n,) bubbles that stand together in one grid, told by distance alone."""
        if len(self.centres) < 2:
            return np.zeros(len(self.centres), np.int32)
        apart = np.hypot(*(self.centres[:, None] - self.centres[None]).transpose(2, 0, 1))
        here, there = np.nonzero(apart < BLOCK_GAP_IN_PITCHES * self.pitch)
        blocks = np.arange(len(self.centres), dtype=np.int32)
        while True:
            joined = blocks.copy()
            np.minimum.at(joined, here, blocks[there])
            joined = joined[joined]
            if (joined == blocks).all():
                return np.unique(blocks, return_inverse=True)[1].astype(np.int32)
            blocks = joined

    @cached_property
    def block_of_group(self) -> NDArray[np.int32]:
        """(g,) the block of each group's first bubble."""
        return self.block_of_bubble[self.first_of_group]

    @cached_property
    def blocks(self) -> list[NDArray[np.intp]]:
        """The bubbles of each block."""
        return [np.flatnonzero(self.block_of_bubble == block) for block in range(int(self.block_of_bubble.max()) + 1)]

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Bubbles of one size and pitch that stand together."""
        return units_of(
            self.centres,
            self.half_sizes,
            square=self.square,
            field_of_bubble=self.field_of_bubble,
        )

    @cached_property
    def first_of_group(self) -> NDArray[np.intp]:
        """(g,) each group's first bubble."""
        return np.unique(self.group_of_bubble, return_index=True)[1]

    @cached_property
    def group_of_bubble(self) -> NDArray[np.int32]:
        """(n,) bubbles measured together: each alone on a small form, the fields of a large one."""
        if len(self.centres) <= MOST_SINGLE_BUBBLES:
            return np.arange(len(self.centres), dtype=np.int32)
        return self.field_of_bubble

    @cached_property
    def group_centres(self) -> Points:
        """(g, 2) frame units."""
        group = self.group_of_bubble
        counts = np.bincount(group)
        return np.stack([np.bincount(group, self.centres[:, axis]) / counts for axis in (0, 1)], axis=1)


def _alone(points: Points, others: Points, near: float) -> NDArray[np.intp]:
    """Which of the points have none of the others within `near` along both axes."""
    alone = [
        (np.abs(some[:, None] - others[None]).max(axis=2) > near).all(axis=1)
        for some in np.array_split(points, -(-len(points) // COMPARED_AT_ONCE))
    ]
    return np.flatnonzero(np.concatenate(alone))


def moved(matrix: NDArray[np.float64], points: Points) -> Points:
    """(n, 2) points through a 3x3 homography."""
    found = cv2.perspectiveTransform(points.reshape(-1, 1, 2).astype(np.float64), matrix)
    return np.asarray(found, np.float64).reshape(-1, 2)
