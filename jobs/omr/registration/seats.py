"""Whether each unit of a form lies where a fit has it, asked of the picture and of its neighbours.

A block that slipped by half a bubble or by a row fits itself: its rows lie as far apart there. But its own size and
pitch fit better elsewhere within a pitch, or it does not follow the smooth bend of the page that the others share.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from jobs.omr.layout import Layout
from jobs.omr.registration.candidate import Candidate
from jobs.omr.registration.canvas import Canvas
from jobs.omr.registration.cells import kernels
from jobs.omr.registration.lattice import windows
from jobs.omr.registration.refining import Fit
from jobs.omr.registration.warp import smooth_warp
from jobs.omr.units import NO_NEXT

# What a mark that the page is registered by counts beside all units or tiles.
ANCHOR = 0.25
# So many bubbles tell where a unit lies.
ASKED = 24
# Units are looked for this far away, in pitches, and are elsewhere from this far on, in half bubbles.
REACH, ELSEWHERE = 0.75, 0.55
# Designs of units whose filters are kept.
KEPT = 64
# A unit with less ink on its bubbles than around them, 0 to 1, is not printed here.
UNSEEN = 0.03
# Seen so much better elsewhere, a unit lies there; as well as here, it may.
BETTER, AS_WELL = 1.12, 0.93
# Pitches off the page's bend from which a unit has to be clear, and from which it is not believed at all.
OFF, FAR_OFF = 0.1, 0.38


@dataclass(frozen=True)
class Seat:
    """`height` is how much a unit's bubbles stand out where they are taken to be, -1 to 1, and `elsewhere` what they
    would at most a part of a pitch further. `off` is how many pitches it lies off the bend that units share, and
    `away` how far that is in frame units.
    """

    height: float
    elsewhere: float
    off: float
    away: float

    @property
    def is_printed(self) -> bool:
        return max(self.height, self.elsewhere) > UNSEEN

    @property
    def is_doubted(self) -> bool:
        if not self.is_printed:
            return False
        better = self.elsewhere > BETTER * self.height
        return better or self.off > FAR_OFF or (self.off > OFF and self.elsewhere > AS_WELL * self.height)


def seats_of(fit: Fit, candidate: Candidate, layout: Layout, canvas: Canvas) -> tuple[Seat, ...]:
    """Of the units in the layout's order, under a fit on `canvas`; the bend is also that of what the candidate was made
    from.
    """
    units = layout.units
    middles = np.array([layout.centres[unit.bubbles].mean(axis=0) for unit in units])
    steps = np.array([fit.off[unit.bubbles].mean(axis=0) for unit in units])
    weights = np.sqrt([float(len(unit.bubbles)) for unit in units])
    bend = smooth_warp(
        np.concatenate([middles, candidate.anchors]),
        np.concatenate([steps, candidate.steps(fit.homography)]),
        np.append(weights, np.full(len(candidate.anchors), ANCHOR * weights.sum())),
        pitch=layout.pitch,
        points=middles,
    )
    found = []
    for unit, away in zip(units, np.abs(steps - bend), strict=True):
        some = fit.places[unit.bubbles[:: -(-len(unit.bubbles) // ASKED)]]
        asked = _asked(unit.half, unit.pitch, unit.square, canvas.px_per_unit)
        mean = windows(fit.ink, some, asked.reach).mean(axis=0, dtype=np.float32)
        height, elsewhere = asked.heights(mean)
        found.append(Seat(height, elsewhere, float((away / unit.steps).max()), float(np.hypot(*away))))
    return tuple(found)


@dataclass(frozen=True)
class _Asked:
    """`filters` are for each size that bubbles may be printed in, `near` and `far` the shifts (s, 2) to be compared,
    as rows and columns of where a filter begins in a window of 2 `reach` + 1 pixels.
    """

    filters: tuple[NDArray[np.float32], ...]
    near: NDArray[np.intp]
    far: NDArray[np.intp]
    reach: int

    def heights(self, mean: NDArray[np.float32]) -> tuple[float, float]:
        """The greatest near and far, of the size that is seen best near; `mean` is that of the windows' ink."""
        view = np.lib.stride_tricks.sliding_window_view(mean, self.filters[0].shape)
        here = view[self.near[:, 0], self.near[:, 1]].reshape(len(self.near), -1)
        heights = [float((here @ each.ravel()).max()) for each in self.filters]
        best = int(np.argmax(heights))
        there = view[self.far[:, 0], self.far[:, 1]].reshape(len(self.far), -1)
        return heights[best], float((there @ self.filters[best].ravel()).max())


@lru_cache(maxsize=KEPT)
def _asked(half: tuple[float, float], pitch: tuple[float, float], square: bool, px_per_unit: float) -> _Asked:  # noqa: FBT001
    each = kernels(half, pitch, square=square, px_per_unit=px_per_unit)
    rows, columns = each[-1].shape
    # Smaller filters stand in the middle of the largest.
    filters = tuple(_padded(kernel, rows, columns) for kernel in each)
    steps = np.array([step if np.isfinite(step) else NO_NEXT * size for size, step in zip(half, pitch, strict=True)])
    limit = np.maximum(2, np.ceil(REACH * steps * px_per_unit)).astype(int)
    reach = int(max(limit[0] + columns // 2, limit[1] + rows // 2))
    x, y = (shifts.ravel() for shifts in np.meshgrid(*(np.arange(-far, far + 1) for far in limit)))
    away = np.maximum(abs(x) / (half[0] * px_per_unit), abs(y) / (half[1] * px_per_unit))
    coarse = (x % 2 == 0) & (y % 2 == 0)
    begins = np.stack([y + reach - rows // 2, x + reach - columns // 2], axis=1)
    return _Asked(filters, begins[(abs(x) <= 1) & (abs(y) <= 1)], begins[(away > ELSEWHERE) & coarse], reach)


def _padded(kernel: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    above, before = (rows - kernel.shape[0]) // 2, (columns - kernel.shape[1]) // 2
    return np.pad(kernel, ((above, above), (before, before)))
