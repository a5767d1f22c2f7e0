"""How well a unit's own bubbles are seen: outline and inside against the paper that its pitch leaves around them.

A filter of the form's usual bubble is highest between bubbles where those of a block are smaller or stand closer. One
that knows size, shape and pitch is highest where they are, on 97 of 100 blocks of drawn sheets instead of 72.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Points
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.evidence import Ink
from jobs.omr.registration.lattice import windows
from jobs.omr.units import Unit

# How much larger than in the template bubbles may be printed: 10 % less and more is usual.
GROWN = (0.85, 0.97, 1.1)
# What the outline counts, the inside has the rest; the outline's half width and where the inside ends, in half bubbles.
RIM_SHARE = 0.7
RIM, INSIDE, SOFT = 0.15, 0.75, 0.15
# Paper is expected from here on, and up to half a pitch or this far away, in half bubbles.
PAPER_FROM, PAPER_TO = 0.25, 1.9
LEAST_PAPER_PX = 4
# How far around a unit the page is looked at, beside the reach, in pixels.
MARGIN_PX = 3


@dataclass(frozen=True)
class UnitSeen:
    """`heights` (h, w) is how much a bubble of the unit's own stands out, -1 to 1, around canvas pixel `corner`."""

    heights: NDArray[np.float32]
    corner: Points

    def around(self, points: Points, reach: int) -> NDArray[np.float32]:
        """(n, 2 reach + 1, 2 reach + 1) heights around canvas points."""
        return windows(self.heights, points - self.corner, reach)


def unit_seen(ink: Ink, points: Points, unit: Unit, *, canvas: Canvas, reach: int) -> UnitSeen:
    """`points` (k, 2) are where its bubbles are looked for, `reach` pixels each way; of the sizes that bubbles may be
    printed in the one that is seen best is taken.
    """
    margin = reach + int(PAPER_TO * max(unit.half) * canvas.px_per_unit) + MARGIN_PX
    low = np.maximum(np.floor(points.min(axis=0)).astype(int) - margin, 0)
    high = np.maximum(np.ceil(points.max(axis=0)).astype(int) + margin, low + 1)
    crop = ink[low[1] : high[1], low[0] : high[0]]
    if not crop.size:
        return UnitSeen(np.zeros((1, 1), np.float32), low.astype(np.float64))
    filters = kernels(unit.half, unit.pitch, square=unit.square, px_per_unit=canvas.px_per_unit)
    each = [cv2.filter2D(crop, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT) for kernel in filters]
    peaks = [float(windows(np.asarray(seen), points - low, reach).mean(axis=0).max()) for seen in each]
    return UnitSeen(np.asarray(each[int(np.argmax(peaks))], np.float32), low.astype(np.float64))


def kernels(
    half: tuple[float, float], pitch: tuple[float, float], *, square: bool, px_per_unit: float
) -> list[NDArray[np.float32]]:
    """One for each of GROWN, the largest last: its sum over an ink map is the ink on a bubble less that around it, -1
    to 1. `half` and `pitch` are those of a `Unit`.
    """
    half_px, pitch_px = np.array(half) * px_per_unit, np.array(pitch) * px_per_unit
    return [_kernel(half_px * grown, pitch_px, square=square) for grown in GROWN]


def _kernel(half: NDArray[np.float64], pitch: NDArray[np.float64], *, square: bool) -> NDArray[np.float32]:
    far = np.ceil(np.minimum(np.maximum(1.3 * half, pitch / 2), PAPER_TO * half.max())).astype(int)
    x, y = np.meshgrid(np.arange(-far[0], far[0] + 1), np.arange(-far[1], far[1] + 1))
    radius = np.maximum(abs(x) / half[0], abs(y) / half[1]) if square else np.hypot(x / half[0], y / half[1])
    pixel = 1 / half.min()
    rim = np.exp(-(((radius - 1) / max(RIM, 0.8 * pixel)) ** 2))
    inside = np.clip((INSIDE - radius) / SOFT, 0, 1)
    cell = (abs(x) <= pitch[0] / 2 + 0.5) & (abs(y) <= pitch[1] / 2 + 0.5)
    paper = (radius > 1 + max(PAPER_FROM, 1.3 * pixel)) & cell
    if paper.sum() < LEAST_PAPER_PX:
        # Bubbles nearly touch: what is left is the line half way between them.
        paper = ((abs(x) >= pitch[0] / 2 - 1) | (abs(y) >= pitch[1] / 2 - 1)) & cell
    kernel = RIM_SHARE * rim / rim.sum() + (1 - RIM_SHARE) * inside / inside.sum() - paper / max(1, paper.sum())
    return np.asarray(kernel / 255, np.float32)
