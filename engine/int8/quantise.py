"""Quantise the convolutions of a deployment graph to INT8, by ONNX's Q/DQ operators.

Every runtime reads the same graph. Activations have one scale for each tensor and weights one for
each output channel; all are symmetric, as TensorRT wants them. Weights have 7 bits: a CPU without
VNNI adds two products in 16 bits, and 8 bits would saturate there.

The rest stays in float, since it has few operations and would lose much: 1x1 convolutions, and
those that read or write pictures, which are recognised by their unusual numbers of channels.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from pmsgan.errors import EngineError

MIN_CHANNELS = 16
"""Fewest channels, in and out, of a convolution that is quantised."""
CHANNELS_MULTIPLE = 8
"""Its input channels are a multiple of this; pictures have 3, 9 (in three sizes), 12 or 36."""
OPSET = 19
"""The first ONNX operator set in which scales may be in FP16."""
_MAX_ACTIVATION = 127
_MAX_WEIGHT = 63


def measuring_graph(data: bytes) -> tuple[bytes, list[str]]:
    """Return a graph that gives the largest absolute value of each activation to be quantised.

    Args:
        data: the bytes of an ONNX file, a deployment graph.

    Returns:
        The bytes of the new graph, and the names of the activations, in the order of its outputs.
    """
    model = onnx.load_model_from_string(data)
    graph = model.graph
    convolutions = list(_convolutions(graph))
    names = list(dict.fromkeys(node.input[0] for node in convolutions))
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    del graph.output[:]
    for name in names:
        graph.node.append(helper.make_node("Abs", [name], [f"{name}_absolute"]))
        graph.node.append(
            helper.make_node("ReduceMax", [f"{name}_absolute"], [f"{name}_largest"], keepdims=0)
        )
        kind = kinds[convolutions[0].input[1]]
        graph.output.append(helper.make_tensor_value_info(f"{name}_largest", kind, []))
    return bytes(model.SerializeToString()), names


def quantise(data: bytes, ranges: Mapping[str, float]) -> bytes:
    """Return a deployment graph with INT8 convolutions.

    Args:
        data: the bytes of an ONNX file.
        ranges: the largest absolute value of each activation that `measuring_graph` names.

    Raises:
        EngineError: a range is missing.
    """
    model = onnx.load_model_from_string(data)
    quantiser = _Quantiser(model.graph, ranges)
    convolutions = {node.name for node in _convolutions(model.graph)}
    for node in model.graph.node:
        quantiser.add(node, quantise=node.name in convolutions)
    graph = helper.make_graph(
        quantiser.nodes,
        model.graph.name,
        model.graph.input,
        model.graph.output,
        [*quantiser.tensors.values()],
    )
    model.graph.CopyFrom(graph)
    model.opset_import[0].version = max(OPSET, model.opset_import[0].version)
    return bytes(model.SerializeToString())


def _convolutions(graph: onnx.GraphProto) -> Iterator[NodeProto]:
    """Yield the convolutions that are quantised."""
    shapes = {tensor.name: tensor.dims for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv" and node.input[1] in shapes:
            num_out, num_in, *kernel = shapes[node.input[1]]
            is_wide = min(num_out, num_in) >= MIN_CHANNELS and num_in % CHANNELS_MULTIPLE == 0
            if is_wide and max(kernel) > 1:
                yield node


class _Quantiser:
    """Builds the nodes and tensors of the new graph."""

    def __init__(self, graph: onnx.GraphProto, ranges: Mapping[str, float]) -> None:
        self.nodes: list[NodeProto] = []
        self.tensors: dict[str, TensorProto] = {tensor.name: tensor for tensor in graph.initializer}
        self._ranges = ranges
        self._dequantised: dict[str, str] = {}
        """Names of dequantised tensors, by the names of the float tensors that they replace."""

    def add(self, node: NodeProto, *, quantise: bool) -> None:
        """Take a node, and quantise what goes into it if it is such a convolution."""
        if quantise:
            activation, weight = node.input[:2]
            if weight not in self._dequantised:
                self._quantise_weight(weight)
            if activation not in self._dequantised:
                self._quantise_activation(activation, self.tensors[f"{weight}_scale"].data_type)
            node.input[0] = self._dequantised[activation]
            node.input[1] = self._dequantised[weight]
        self.nodes.append(node)

    def _quantise_weight(self, name: str) -> None:
        """Replace weights [out, in, height, width] by INT8 ones and one scale for each output."""
        weight = numpy_helper.to_array(self.tensors.pop(name))
        scale = _scale(np.abs(weight).max(axis=(1, 2, 3)), _MAX_WEIGHT, weight.dtype)
        levels = np.rint(weight / scale.astype(np.float64)[:, None, None, None])
        self._add_tensor(f"{name}_int8", levels.astype(np.int8))
        self._dequantise(name, scale)

    def _quantise_activation(self, name: str, kind: int) -> None:
        if name not in self._ranges:
            raise EngineError(f"the INT8 calibration has no range of {name}")
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        scale = _scale(np.asarray(self._ranges[name]), _MAX_ACTIVATION, dtype)
        parameters = [f"{name}_scale", f"{name}_zero"]
        self.nodes.append(helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}_int8"]))
        self._dequantise(name, scale)

    def _dequantise(self, name: str, scale: NDArray[np.floating]) -> None:
        """Dequantise NAME_int8; return the name of the tensor that replaces `name`."""
        self._add_tensor(f"{name}_scale", scale)
        self._add_tensor(f"{name}_zero", np.zeros(scale.shape, np.int8))
        inputs = [f"{name}_int8", f"{name}_scale", f"{name}_zero"]
        self._dequantised[name] = f"{name}_dequantised"
        self.nodes.append(
            helper.make_node(
                "DequantizeLinear",
                inputs,
                [self._dequantised[name]],
                axis=0 if scale.ndim else None,
            )
        )

    def _add_tensor(self, name: str, values: NDArray[np.generic]) -> None:
        self.tensors[name] = numpy_helper.from_array(values, name)


def _scale(
    largest: NDArray[np.floating], levels: int, dtype: np.dtype[np.floating]
) -> NDArray[np.floating]:
    """Return the scale that brings the largest value to the last level, or just below it."""
    exact = largest.astype(np.float64) / levels
    scale = exact.astype(dtype)
    scale = np.where(scale < exact, np.nextafter(scale, np.asarray(np.inf, dtype)), scale)
    return np.maximum(scale, np.finfo(dtype).smallest_subnormal).astype(dtype)
