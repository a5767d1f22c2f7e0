"""What a patch says of the mark in it, in a few numbers that do not depend on paper, print or pen."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.areas import alike
from jobs.omr.marks.measuring import darkness_of
from jobs.omr.marks.patches import CONTEXT, PATCH_SIDE, PatchBatch

# "ink" below is darkness that the bubble's own print does not explain, as a share of the sheet's darkest marks.
FEATURES: Final = (
    "above",  # mean darkness inside the bubble, above its own print
    "above_field",  # the same above the lighter half of its field
    "ink",  # mean ink inside
    "ink_core",  # mean ink in the middle
    "cover",  # share of the inside that ink covers
    "stroke",  # darkness of the darkest tenth of ink inside
    "halo",  # mean ink outside the outline
    "edges",  # mean edge energy inside, above the print's
    "evenness",  # ink between the diagonals as a share of that on them: 1 for a fill, less for a cross
    "signal",  # "above" in deviations of the sheet's unmarked bubbles, as log(1 + max(0, .))
    "contrast",  # darkness of the sheet's marks above the print
)

# A place counts as covered where it holds at least this share of the darkest marks' ink.
COVERED: Final = 0.4


def features_of(patches: PatchBatch) -> NDArray[np.float32]:
    """(n, len(FEATURES))"""
    count = len(patches)
    context = dict(zip(CONTEXT, patches.context.T, strict=True))
    darkness, prints = darkness_of(patches.pixels), darkness_of(patches.own_print)
    scale = np.maximum(context["ink"], 0.1)
    # The print may stand a pixel off from where it stands on the average.
    grown = cv2.dilate(prints.reshape(-1, PATCH_SIDE), np.ones((3, 3), np.uint8)).reshape(count, -1)
    ink = np.maximum(0, darkness - grown) / scale[:, None]
    covered = (ink > COVERED).astype(np.float32)
    edges = (_edges(darkness) - _edges(prints)) / scale[:, None]
    found = {name: np.zeros(count, dtype=np.float32) for name in FEATURES}
    for members, areas in alike(context["square"] > 0.5, context["width"], context["height"]):
        inked = ink[members]
        found["ink"][members] = inked @ areas.inside
        found["ink_core"][members] = inked @ areas.core
        found["cover"][members] = covered[members] @ areas.inside
        found["halo"][members] = inked @ areas.halo
        found["edges"][members] = edges[members] @ areas.inside
        inside = np.flatnonzero(areas.inside)
        darkest = len(inside) - max(1, len(inside) // 10)
        found["stroke"][members] = np.partition(inked[:, inside], darkest, axis=1)[:, darkest:].mean(axis=1)
        on, between = inked @ areas.diagonals, inked @ areas.sectors
        found["evenness"][members] = between / np.maximum(on, 0.05)
    above = context["darkness"] - context["own_print"]
    found["above"] = above / scale
    found["above_field"] = context["above_field"] / scale
    found["signal"] = np.log1p(np.maximum(0, above / context["noise"]))
    found["contrast"] = scale - context["own_print"]
    return np.stack([found[name] for name in FEATURES], axis=1)


def _edges(darkness: NDArray[np.float32]) -> NDArray[np.float32]:
    pictures = darkness.reshape(-1, PATCH_SIDE, PATCH_SIDE)
    energy = np.zeros_like(pictures)
    energy[:, :, 1:] = np.abs(np.diff(pictures, axis=2))
    energy[:, 1:, :] += np.abs(np.diff(pictures, axis=1))
    return energy.reshape(len(darkness), -1)
