"""The sheet as it lies there: ink that spread or faded, the other side shining through, dirt."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.degrading.degradation import Degradation

Light = NDArray[np.float32]


def printed(picture: NDArray[np.uint8], px_per_mm: float, degradation: Degradation, rng: np.random.Generator) -> Light:
    """(h, w) light that the paper gives back, 0 to 1."""
    spread = degradation.ink_spread_mm * px_per_mm
    if abs(spread) >= 0.3:
        picture = _spread(picture, spread)
    light = picture.astype(np.float32) / 255
    if degradation.bleed:
        behind = cv2.GaussianBlur(light[:, ::-1], (0, 0), 0.35 * px_per_mm)
        shift = int(rng.integers(0, light.shape[0]))
        light *= 1 - degradation.bleed * (1 - np.roll(behind, shift, axis=0))
    if degradation.specks:
        count = int(degradation.specks * light.size / (px_per_mm * px_per_mm) / 40)
        for x, y in rng.integers(0, (light.shape[1], light.shape[0]), (count, 2)):
            radius = max(1, round(rng.uniform(0.05, 0.3) * px_per_mm))
            cv2.circle(light, (int(x), int(y)), radius, float(rng.uniform(0.1, 0.8)), -1)
    if degradation.print_fading:
        # A worn drum or a dry cartridge: bands that fade slowly down the page.
        rows = np.arange(light.shape[0]) / light.shape[0]
        band = 0.5 + 0.5 * np.sin(2 * np.pi * (rows * rng.uniform(0.5, 3) + rng.random()))
        light = 1 - (1 - light) * (1 - degradation.print_fading * band.astype(np.float32)[:, None])
    return np.asarray(light * np.float32(degradation.paper), dtype=np.float32)


def _spread(picture: NDArray[np.uint8], spread_px: float) -> NDArray[np.uint8]:
    """Ink grown by so many pixels, or shrunk; parts of a pixel by mixing."""
    steps = int(np.ceil(abs(spread_px)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * steps + 1, 2 * steps + 1))
    moved = cv2.erode(picture, kernel) if spread_px > 0 else cv2.dilate(picture, kernel)
    share = abs(spread_px) / steps
    return np.asarray(cv2.addWeighted(moved, share, picture, 1 - share, 0), dtype=np.uint8)
