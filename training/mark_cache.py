"""Drawn bubbles kept in a folder, since drawing them takes longer than learning from them."""

from pathlib import Path

import numpy as np

from jobs.omr.marks.patches import PatchBatch
from training.mark_data import Bubbles, bubbles


def cached_bubbles(sheets: int, seed: int, folder: Path | None) -> Bubbles:
    """`bubbles(sheets, seed)`, from `folder` where it has them. Whoever changes how sheets are drawn empties it."""
    if folder is None:
        return bubbles(sheets, seed)
    path = folder / f"marks-{seed}-{sheets}.npz"
    if path.is_file():
        with np.load(path) as kept:
            patches = PatchBatch(kept["pixels"], kept["own_print"], kept["context"])
            return Bubbles(patches=patches, states=kept["states"], weights=kept["weights"])
    drawn = bubbles(sheets, seed)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        pixels=drawn.patches.pixels,
        own_print=drawn.patches.own_print,
        context=drawn.patches.context,
        states=drawn.states,
        weights=drawn.weights,
    )
    return drawn
