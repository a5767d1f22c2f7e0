"""The trained page network as ONNX: gray levels in, two maps of scores out."""

from pathlib import Path

import numpy as np
from torch import nn

from jobs.omr.networks.fiducial_finder import INPUT_SIDE, STRIDE
from training.onnx_graph import Graph, floats, levels
from training.page_network import MAPS, PageNetwork


def write_pages(network: PageNetwork, path: Path) -> None:
    graph = Graph()
    scaled = graph.add("Mul", graph.add("Cast", "page", to=1), graph.constant(np.array([1 / 255], dtype=np.float32)))
    seen, beside = graph.add("Add", scaled, graph.constant(np.array([-0.5], dtype=np.float32))), []
    for block in network.down:
        assert isinstance(block, nn.Sequential)
        seen = graph.sequence(seen, block)
        beside.append(seen)
    twice = graph.constant(np.array([1, 1, 2, 2], dtype=np.float32))
    for block, kept in zip(network.up, beside[-2:0:-1], strict=True):
        assert isinstance(block, nn.Sequential)
        larger = graph.add(
            "Resize", seen, "", twice, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        )
        seen = graph.sequence(graph.add("Concat", larger, kept, axis=1), block)
    graph.add("Sigmoid", graph.convolution(seen, network.out, None))
    graph.nodes[-1].output[0] = "maps"
    side = INPUT_SIDE // STRIDE
    graph.write(path, [levels("page", ["n", 1, INPUT_SIDE, INPUT_SIDE])], [floats("maps", ["n", MAPS, side, side])])
