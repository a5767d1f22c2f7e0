"""How much ink there is on each spot of a page, whatever the light, the paper and the colour of the print."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.page import Colour, Gray, Page

Ink = NDArray[np.uint8]

# The paper's brightness is the brightest within a window of this share of the page's longer side ...
PAPER_WINDOW = 0.035
# ... looked for on a copy of the page this many pixels long.
PAPER_LONG_SIDE_PX = 160
# Ink is how much darker than paper a spot is, 0 to 1. Noise of scanners and sensors stays below the first value; at
# the second, faint drop-out print, a spot counts half. Full black hardly counts more than a pencil's grey.
NOISE = 0.035
HALF = 0.15


def darkest_channel(page: Page) -> Gray:
    """(h, w): drop-out ink of any colour is dark in one channel at least."""
    if page.colour is None:
        return page.gray
    return darkest(page.colour)


def darkest(colour: Colour) -> Gray:
    blue, green, red = cv2.split(colour)
    return np.asarray(cv2.min(cv2.min(blue, green), red), np.uint8)


def ink_of(darkness: Gray) -> Ink:
    """(h, w) 0 to 255: soft ink against the paper around each spot."""
    height, width = darkness.shape
    scale = min(1.0, PAPER_LONG_SIDE_PX / max(height, width))
    small = cv2.resize(darkness, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    window = max(3, int(PAPER_WINDOW * max(small.shape)) | 1)
    paper = cv2.dilate(small, np.ones((window, window), np.uint8))
    paper = cv2.blur(paper, (window, window))
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    relative = cv2.divide(cv2.subtract(paper, darkness), paper, scale=255)
    return np.asarray(cv2.LUT(relative, _SOFT), np.uint8)


def _soft_table() -> NDArray[np.uint8]:
    ink = np.clip(np.arange(256) / 255 - NOISE, 0, None)
    return np.round(255 * ink / (ink + HALF) * (1 + HALF)).clip(0, 255).astype(np.uint8)


_SOFT = _soft_table()


@dataclass
class InkAtScale:
    """The ink of one page at several resolutions, each worked out when it is first asked for."""

    darkness: Gray
    _small: dict[int, Gray] = field(default_factory=dict)
    _levels: dict[int, Ink] = field(default_factory=dict)

    def small(self, shrink: int) -> Gray:
        """The darkness with `shrink` page pixels to one of its own along each side."""
        if shrink not in self._small:
            height, width = (max(1, side // shrink) for side in self.darkness.shape)
            whole = self.darkness[: height * shrink, : width * shrink]
            self._small[shrink] = np.asarray(
                whole if shrink == 1 else cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8
            )
        return self._small[shrink]

    def level(self, shrink: int) -> Ink:
        """The ink map with `shrink` page pixels to one of its own along each side."""
        if shrink not in self._levels:
            self._levels[shrink] = ink_of(self.small(shrink))
        return self._levels[shrink]

    def for_scale(self, px_per_px: float) -> tuple[Ink, int]:
        """The level from which a canvas with `px_per_px` page pixels to one of its own is drawn without aliasing."""
        shrink = max(1, round(px_per_px))
        return self.level(shrink), shrink


def scaling(shrink: int) -> NDArray[np.float64]:
    """(3, 3) from page pixels to the pixels of a level; pixel centres keep their places."""
    offset = (1 / shrink - 1) / 2
    return np.array([[1 / shrink, 0, offset], [0, 1 / shrink, offset], [0, 0, 1]])
