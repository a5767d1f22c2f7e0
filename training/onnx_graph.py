"""Trained layers written as ONNX by hand: few operators, batch normalisation folded in, same weights, same bytes."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 17
IR_VERSION = 9

Weights = NDArray[np.float32]


@dataclass
class Graph:
    """Nodes and weights in the order in which they are added; `add` gives back the name of the node's output."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, **settings: object) -> str:
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **settings))
        return name

    def constant(self, values: NDArray[np.generic]) -> str:
        name = f"w_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, source: str, layer: nn.Conv2d, norm: nn.BatchNorm2d | None) -> str:
        kernel = layer.weight.detach().numpy()
        bias = np.zeros(kernel.shape[0], np.float32) if layer.bias is None else layer.bias.detach().numpy()
        if norm is not None:
            scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().numpy()
            kernel = kernel * scale[:, None, None, None]
            bias = (bias - norm.running_mean.numpy()) * scale + norm.bias.detach().numpy()
        pad = layer.padding[0]
        return self.add(
            "Conv",
            source,
            self.constant(kernel.astype(np.float32)),
            self.constant(bias.astype(np.float32)),
            strides=list(layer.stride),
            pads=[pad] * 4,
            kernel_shape=list(kernel.shape[2:]),
            group=layer.groups,
        )

    def linear(self, source: str, layer: nn.Linear, divided_by: float = 1.0) -> str:
        weight = (layer.weight.detach().numpy() / divided_by).astype(np.float32)
        bias = (layer.bias.detach().numpy() / divided_by).astype(np.float32)
        return self.add("Gemm", source, self.constant(weight), self.constant(bias), transB=1)

    def sequence(self, source: str, layers: nn.Sequential) -> str:
        """Conv, BatchNorm and ReLU in turn."""
        modules = list(layers)
        for place, module in enumerate(modules):
            if isinstance(module, nn.Conv2d):
                after = modules[place + 1] if place + 1 < len(modules) else None
                source = self.convolution(source, module, after if isinstance(after, nn.BatchNorm2d) else None)
            elif isinstance(module, nn.ReLU):
                source = self.add("Relu", source)
        return source

    def write(
        self,
        path: Path,
        inputs: list[onnx.ValueInfoProto],
        outputs: list[onnx.ValueInfoProto],
    ) -> None:
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, self.weights)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="training"
        )
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString(deterministic=True))


def floats(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def levels(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    """Gray levels as uint8."""
    return helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
