"""The network that judges bubbles, behind the seam of the mark engines."""

from typing import Final

import numpy as np

from jobs.omr.marks.engine import MarkStates, State
from jobs.omr.marks.patches import PatchBatch
from jobs.omr.networks.session import Network, Provider, open_network

# The network's outputs, in order; `training/drawing/states.py` has the same words.
OUTPUTS: Final = ("blank", "filled", "partial", "erased", "cancelled", "tick", "cross")
# What each counts as: a mark stands however it is made.
MEANS: Final = (
    State.BLANK,
    State.FILLED,
    State.PARTIAL,
    State.ERASED,
    State.CANCELLED,
    State.FILLED,
    State.FILLED,
)
# On a CPU a batch that stays in its cache is fastest; a GPU wants all bubbles of many sheets at once.
BUBBLES_PER_INFERENCE: Final = {Provider.CPU: 256, Provider.CUDA: 32_768}


class NetworkMarkEngine:
    """All bubbles of a batch of pages in few inferences. Its probabilities were calibrated on drawn sheets."""

    name = "network"

    def __init__(self, provider: Provider = Provider.AUTO) -> None:
        self._network: Network = open_network("marks", provider)
        self._at_once = BUBBLES_PER_INFERENCE[self._network.provider]

    @property
    def provider(self) -> Provider:
        return self._network.provider

    def judge(self, patches: PatchBatch) -> MarkStates:
        """One row for each patch, in their order."""
        outputs = np.empty((len(patches), len(OUTPUTS)), dtype=np.float32)
        for start in range(0, len(patches), self._at_once):
            some = slice(start, start + self._at_once)
            outputs[some] = self._network.run(
                {
                    "pixels": patches.pixels[some],
                    "own_print": patches.own_print[some],
                    "context": patches.context[some],
                }
            )
        probabilities = np.zeros((len(patches), len(State)), dtype=np.float32)
        for column, state in enumerate(MEANS):
            probabilities[:, state] += outputs[:, column]
        standing = np.maximum(probabilities[:, State.FILLED], np.float32(1e-9))
        return MarkStates(
            probabilities=probabilities,
            tick=np.divide(outputs[:, OUTPUTS.index("tick")], standing, dtype=np.float32),
            cross=np.divide(outputs[:, OUTPUTS.index("cross")], standing, dtype=np.float32),
        )
