"""The trained bubble network as ONNX: gray levels in, calibrated probabilities out."""

from pathlib import Path

import numpy as np
from torch import nn

from jobs.omr.marks.patches import CONTEXT, PAPER_LEVEL, PATCH_SIDE
from training.drawing.states import Drawn
from training.mark_network import MarkNetwork
from training.onnx_graph import Graph, floats, levels


def write_marks(network: MarkNetwork, temperature: float, path: Path) -> None:
    """Logits are divided by `temperature` in the last layer's weights."""
    assert isinstance(network.hidden, nn.Linear)
    graph = Graph()
    axis = graph.constant(np.array([1], dtype=np.int64))
    planes = [graph.add("Cast", graph.add("Unsqueeze", name, axis), to=1) for name in ("pixels", "own_print")]
    scaled = graph.add(
        "Mul", graph.add("Concat", *planes, axis=1), graph.constant(np.array([-1 / PAPER_LEVEL], dtype=np.float32))
    )
    darkness = graph.add("Add", scaled, graph.constant(np.array([1], dtype=np.float32)))
    seen = graph.sequence(darkness, network.convolutions)
    pooled = [graph.add("Flatten", graph.add(kind, seen)) for kind in ("GlobalAveragePool", "GlobalMaxPool")]
    hidden = graph.add("Relu", graph.linear(graph.add("Concat", *pooled, "context", axis=1), network.hidden))
    graph.add("Softmax", graph.linear(hidden, network.out, temperature), axis=1)
    graph.nodes[-1].output[0] = "states"
    graph.write(
        path,
        [
            levels("pixels", ["n", PATCH_SIDE, PATCH_SIDE]),
            levels("own_print", ["n", PATCH_SIDE, PATCH_SIDE]),
            floats("context", ["n", len(CONTEXT)]),
        ],
        [floats("states", ["n", len(Drawn)])],
    )
