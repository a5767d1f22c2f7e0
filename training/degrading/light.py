"""Light on the page: a slope, the edge of a shadow, the glare of a lamp."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.degrading.degradation import Degradation

Light = NDArray[np.float32]


def lit(seen: Light, degradation: Degradation, rng: np.random.Generator) -> Light:
    """`seen` under the degradation's light; directions and places are up to the seed."""
    if not (degradation.gradient or degradation.shadow or degradation.glare):
        return seen
    height, width = seen.shape
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light: NDArray[Any] = seen
    if degradation.gradient:
        along = _along(x, y, rng.uniform(0, 2 * np.pi))
        light = light * (1 - np.float32(degradation.gradient) * (along + 1) / 2)
    if degradation.shadow:
        along = _along(x, y, rng.uniform(0, 2 * np.pi)) - np.float32(rng.uniform(-0.5, 0.5))
        under = 1 / (1 + np.exp(-np.clip(along / np.float32(rng.uniform(0.01, 0.15)), -30, 30)))
        light = light * (1 - np.float32(degradation.shadow) * under)
    if degradation.glare:
        place, reach = rng.uniform(-0.8, 0.8, 2).astype(np.float32), np.float32(rng.uniform(0.15, 0.5))
        spot = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * reach**2))
        light = light + np.float32(degradation.glare) * spot
    return np.asarray(light, dtype=np.float32)


def _along(x: Light, y: Light, angle: float) -> Light:
    """-1 to 1 across the page in the direction of `angle`."""
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return np.asarray((x * cos + y * sin) / (abs(cos) + abs(sin)), dtype=np.float32)
