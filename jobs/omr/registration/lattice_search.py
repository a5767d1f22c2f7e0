"""The form's bubbles looked for everywhere, at every size and in every orientation: slow, and needs no marks at all.

The page, flattened by its edge or taken as it is, is correlated with the pattern of all bubbles; the correlation is
done for all shifts at once by Fourier transform, and repeated over size, proportion and quarter turn.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout, Points, moved
from jobs.omr.registration.candidate import Candidate
from jobs.omr.registration.evidence import InkAtScale, scaling

PITCH_PX = 5.0
SHORTEST_LONG_SIDE_PX, LONGEST_LONG_SIDE_PX = 160, 560
# The form's bubbles take this much of the sheet along the longer of both: from a corner of it to all of it.
SPANS = np.geomspace(0.3, 1.0, 34)
PROPORTIONS = (1.0, 0.955, 1.045)
MOST_YIELDED = 3


def by_lattice(page: InkAtScale, layout: Layout, corners: Points) -> Iterator[Candidate]:
    """Best agreements first; `corners` (4, 2) are those of the sheet, clockwise, in page pixels."""
    across = (np.hypot(*(corners[1] - corners[0])) + np.hypot(*(corners[2] - corners[3]))) / 2
    down = (np.hypot(*(corners[3] - corners[0])) + np.hypot(*(corners[2] - corners[1]))) / 2
    found: list[tuple[float, NDArray[np.float64]]] = []
    centres = layout.centres - layout.centres.mean(axis=0)
    extent = np.ptp(layout.centres, axis=0) + 2 * layout.radius
    for span in SPANS:
        long_side = PITCH_PX * float(extent.max()) / layout.pitch / span
        if not SHORTEST_LONG_SIDE_PX <= long_side <= LONGEST_LONG_SIDE_PX:
            long_side = float(np.clip(long_side, SHORTEST_LONG_SIDE_PX, LONGEST_LONG_SIDE_PX))
        width, height = (2 * round(long_side * side / max(across, down) / 2) for side in (across, down))
        scale = span * long_side / float(extent.max())
        spectrum = _spectrum(page, corners, (width, height), radius=scale * layout.radius)
        for turns in range(4):
            turn = _QUARTERS[turns]
            for proportion in PROPORTIONS:
                stretch = np.array([np.sqrt(proportion), 1 / np.sqrt(proportion)]) * scale
                linear = np.diag(stretch) @ turn
                points = centres @ linear.T
                if (np.ptp(points, axis=0) > (1.02 * width, 1.02 * height)).any():
                    continue
                score, shift = _best(spectrum, points)
                matrix = np.eye(3)
                matrix[:2, :2] = linear
                matrix[:2, 2] = shift - linear @ layout.centres.mean(axis=0)
                flat = cv2.getPerspectiveTransform(
                    np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float32),
                    corners.astype(np.float32),
                )
                found.append((score, flat @ matrix))
    yield from _different(sorted(found, key=lambda one: -one[0]), layout)


_QUARTERS = [
    np.array(matrix, np.float64)
    for matrix in ([[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]])
]


def _spectrum(page: InkAtScale, corners: Points, size: tuple[int, int], *, radius: float) -> NDArray[np.complex64]:
    width, height = size
    inner = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float32)
    ink, shrink = page.for_scale(float(np.hypot(*(corners[1] - corners[0]))) / width)
    at = moved(scaling(shrink), corners).astype(np.float32)
    flat = cv2.warpPerspective(ink, cv2.getPerspectiveTransform(at, inner), (width, height), flags=cv2.INTER_LINEAR)
    small, large = (2 * max(0, round(radius * factor - 0.5)) + 1 for factor in (1.1, 2.2))
    seen = cv2.boxFilter(flat, cv2.CV_32F, (small, small)) - cv2.boxFilter(flat, cv2.CV_32F, (large, large))
    seen /= 40 + np.abs(seen)
    return np.asarray(np.fft.rfft2(seen), np.complex64)


def _best(spectrum: NDArray[np.complex64], points: Points) -> tuple[float, Points]:
    """The highest mean response under any shift of the points that keeps them in the map, and that shift."""
    height, width = spectrum.shape[0], 2 * (spectrum.shape[1] - 1)
    low = points.min(axis=0)
    at = np.round(points - low).astype(np.intp)
    pattern = np.zeros((height, width), np.float32)
    np.add.at(pattern, (at[:, 1] % height, at[:, 0] % width), 1 / len(points))
    heights = np.fft.irfft2(spectrum * np.conj(np.fft.rfft2(pattern)), s=(height, width))
    free_rows, free_columns = max(1, height - int(at[:, 1].max())), max(1, width - int(at[:, 0].max()))
    heights = heights[:free_rows, :free_columns]
    row, column = np.unravel_index(int(heights.argmax()), heights.shape)
    return float(heights[row, column]), np.array([column, row], np.float64) - low


def _different(found: list[tuple[float, NDArray[np.float64]]], layout: Layout) -> Iterator[Candidate]:
    """The best few that put the form's corners in different places."""
    left, top, right, bottom = layout.box
    box = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    given: list[Points] = []
    for _, homography in found:
        corners = moved(homography, box)
        near = 0.5 * layout.pitch / (right - left) * float(np.hypot(*(corners[1] - corners[0])))
        if all(np.hypot(*(corners - other).T).max() > near for other in given):
            given.append(corners)
            yield Candidate(homography, "lattice")
        if len(given) == MOST_YIELDED:
            return
