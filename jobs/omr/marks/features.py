"""What a patch says of the mark in it, in a few numbers that do not depend on paper, print or pen."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from jobs.omr.marks.areas import alike
from jobs.omr.marks.patches import CONTEXT, PAPER_LEVEL, PATCH_SIDE, PatchBatch

# "ink" below is darkness that the bubble's own print does not explain, as a share of the sheet's darkest marks.
FEATURES: Final = (
    "above",  # mean darkness inside the bubble, above its own print
    "above_field",  # the same above the lighter half of its field
    "ink",  # mean ink inside
    "ink_core",  # mean ink in the middle
    "cover",  # share of the inside that ink covers
    "stroke",  # how dark the ink inside is where there is ink: its mean weighted by itself
    "halo",  # mean ink outside the outline
    "corners",  # mean ink in the two corners of the patch that have the least
    "edges",  # mean edge energy inside, above the print's
    "evenness",  # ink between the diagonals as a share of that on them: 1 for a fill, less for a cross
    "signal",  # "above" in deviations of the sheet's unmarked bubbles, as log(1 + max(0, .))
    "contrast",  # darkness of the sheet's marks
    "size",  # log of the bubble's longer side
    "own_print",  # mean darkness of the print inside
    "noise",  # log of how far unmarked bubbles stray
)

# A place counts as covered where it holds at least this share of the darkest marks' ink.
COVERED: Final = 0.4


def features_of(patches: PatchBatch) -> NDArray[np.float32]:
    """(n, len(FEATURES))"""
    count = len(patches)
    context = dict(zip(CONTEXT, patches.context.T, strict=True))
    # The print may stand a pixel off from where it stands on the average.
    grown = cv2.erode(patches.own_print.reshape(-1, PATCH_SIDE), np.ones((3, 3), np.uint8))
    ink = cv2.subtract(grown, patches.pixels.reshape(-1, PATCH_SIDE)).reshape(count, -1)
    edges = _edges(patches.pixels) - _edges(patches.own_print)
    scale = context["ink"] * PAPER_LEVEL
    found = {name: np.zeros(count, dtype=np.float32) for name in FEATURES}
    for members, areas in alike(context["square"] > 0.5, context["width"], context["height"]):
        inked = ink[members].astype(np.float32) / scale[members, None]
        means = inked @ areas.of_ink
        found["ink"][members], found["ink_core"][members], found["halo"][members] = means[:, :3].T
        found["evenness"][members] = means[:, 4] / np.maximum(means[:, 3], 0.05)
        found["corners"][members] = np.sort(means[:, 5:], axis=1)[:, :2].mean(axis=1)
        found["stroke"][members] = (inked * inked) @ areas.inside / np.maximum(means[:, 0], 0.02)
        found["cover"][members] = (inked > COVERED).astype(np.float32) @ areas.inside
        found["edges"][members] = edges[members].astype(np.float32) @ areas.inside / scale[members]
    above = context["darkness"] - context["own_print"]
    found["above"] = above / context["ink"]
    found["above_field"] = context["above_field"] / context["ink"]
    found["signal"] = np.log1p(np.maximum(0, above / context["noise"]))
    found["contrast"] = context["ink"]
    found["size"] = np.log(context["size_px"])
    found["own_print"] = context["own_print"]
    found["noise"] = np.log(context["noise"])
    return np.stack([found[name] for name in FEATURES], axis=1)


def _edges(pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
    """(n, 1024) how much each pixel differs from the one on its left and the one above it."""
    pictures = pixels.reshape(-1, PATCH_SIDE)
    energy = np.zeros(pictures.shape, dtype=np.int16)
    energy[:, 1:] = cv2.absdiff(pictures[:, 1:], pictures[:, :-1])
    energy[1:] += np.asarray(cv2.absdiff(pictures[1:], pictures[:-1]), dtype=np.int16)
    return energy.reshape(len(pixels), -1)
