"""Small pictures of captured pages with the places of their corners and fiducials."""

import numpy as np
from numpy.typing import NDArray

from jobs.omr.networks.fiducial_finder import INPUT_SIDE, STRIDE, page_input
from training.degrading.degradation import random_degradation
from training.degrading.degrade import degrade
from training.drawing.draw import draw_sheet
from training.drawing.population import EVEN
from training.page_places import places_of

# Enough for a picture of 256 pixels; the networks never see more.
PX_PER_MM = 3.0
CAPTURE_DPI = 80.0
MAP_SIDE = INPUT_SIDE // STRIDE
# Standard deviation of a target's bump in map pixels.
BUMP = 0.9


def pages(count: int, seed: int) -> tuple[NDArray[np.uint8], list[tuple[NDArray[np.float64], NDArray[np.float64]]]]:
    """(count, 256, 256) pages and for each the page's corners and the fiducials, (k, 2) in input pixels."""
    pictures = np.empty((count, INPUT_SIDE, INPUT_SIDE), dtype=np.uint8)
    places = []
    for number in range(count):
        rng = np.random.default_rng([seed, number, 0xBA6E])
        drawn = draw_sheet(int(rng.integers(1 << 40)), px_per_mm=PX_PER_MM, population=EVEN)
        drawn_degradation = random_degradation(rng)
        degradation = type(drawn_degradation)(**{**vars(drawn_degradation), "dpi": CAPTURE_DPI, "one_bit": None})
        captured = degrade(drawn, degradation, number)
        small, scale = page_input(captured.gray)
        pictures[number] = small
        corners, fiducials = places_of(drawn.template)
        if not captured.edge_shows:
            corners = corners[:0]
        found = []
        for points in (corners, fiducials):
            seen = (captured.view.to_capture(points) + 0.5) * scale - 0.5 if len(points) else points
            inside = ((seen > -1) & (seen < np.array(captured.gray.shape[::-1]) * scale)).all(axis=1)
            found.append(seen[inside])
        places.append((found[0], found[1]))
    return pictures, places


def target(places: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float32]:
    """(2, 64, 64): a bump of height 1 at each place."""
    y, x = np.mgrid[:MAP_SIDE, :MAP_SIDE]
    maps = np.zeros((2, MAP_SIDE, MAP_SIDE), dtype=np.float32)
    for channel, points in enumerate(places):
        for px, py in (points + 0.5) / STRIDE - 0.5:
            # The nearest pixel is a full 1, which the loss needs, the others fall off from the exact place.
            bump = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * BUMP**2))
            bump[min(max(round(py), 0), MAP_SIDE - 1), min(max(round(px), 0), MAP_SIDE - 1)] = 1
            np.maximum(maps[channel], bump, out=maps[channel])
    return maps
