"""Read from the first and the last operators of a network which values it takes and gives."""

import math

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

_MOVES = (
    "Identity", "Cast", "Transpose", "Squeeze", "Unsqueeze", "Reshape", "Slice", "Resize",
    "Upsample", "Expand", "Pad",
)  # fmt: skip
"""Operators that leave the range of values as it is."""
_MAX_STEPS = 12

Floats = NDArray[np.float64]


def output_range(model: onnx.ModelProto, output: str) -> tuple[tuple[float, float], str] | None:
    """Return the values that the last operators allow, and the operator that says it.

    Args:
        model: the network.
        output: the name of its output.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    constants = _constants(model.graph)
    scale, shift, name = 1.0, 0.0, output
    for _ in range(_MAX_STEPS):
        node = makers.get(name)
        if node is None:
            return None
        bounds = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0), "HardSigmoid": (0.0, 1.0)}
        if node.op_type in bounds:
            low, high = bounds[node.op_type]
            ends = sorted((scale * low + shift, scale * high + shift))
            return (ends[0], ends[1]), node.op_type
        if node.op_type == "Clip" and (limits := _clip_limits(node, constants)) is not None:
            low, high = limits
            ends = sorted((scale * low + shift, scale * high + shift))
            return (ends[0], ends[1]), node.op_type
        if node.op_type in _MOVES:
            name = node.input[0]
            continue
        step = _affine(node, constants)
        if step is None or step[1].size > 1 or step[2].size > 1:
            return None
        name = step[0]
        scale, shift = scale * step[1].item(), scale * step[2].item() + shift
    return None


def input_scale(model: onnx.ModelProto, name: str) -> tuple[float, float] | None:
    """Return the scale and the offset that the first operators apply; None if there are none.

    Where they do so for each channel, the mean is returned.
    """
    constants = _constants(model.graph)
    scale, shift = np.ones(1), np.zeros(1)
    is_scaled = False
    for _ in range(_MAX_STEPS):
        users = [node for node in model.graph.node if name in node.input]
        if len(users) != 1:
            break
        node = users[0]
        if node.op_type in _MOVES[:-1]:  # the margin of a Pad is not the picture
            name = node.output[0]
            continue
        step = _affine(node, constants)
        if step is None or step[1].size > 4 or step[2].size > 4:
            break
        scale, shift = scale * step[1].mean(), shift * step[1].mean() + step[2].mean()
        is_scaled, name = True, node.output[0]
    return (float(scale.mean()), float(shift.mean())) if is_scaled else None


def _constants(graph: onnx.GraphProto) -> dict[str, Floats]:
    """Return the small constants of a graph."""
    return {
        tensor.name: numpy_helper.to_array(tensor).astype(np.float64)
        for tensor in graph.initializer
        if math.prod(tensor.dims) <= 4
    }


def _clip_limits(node: onnx.NodeProto, constants: dict[str, Floats]) -> tuple[float, float] | None:
    bounds = [constants.get(name) for name in node.input[1:3]]
    if len(bounds) != 2 or bounds[0] is None or bounds[1] is None:
        return None
    return float(bounds[0].min()), float(bounds[1].max())


def _affine(
    node: onnx.NodeProto, constants: dict[str, Floats]
) -> tuple[str, Floats, Floats] | None:
    """Return the scale and the offset of a node, and the value that it applies them to."""
    if len(node.input) != 2 or node.op_type not in ("Add", "Sub", "Mul", "Div"):
        return None
    left, right = node.input
    one, zero = np.ones(1), np.zeros(1)
    if right in constants:
        value = constants[right]
        if node.op_type == "Div" and not value.all():
            return None
        scale, shift = {
            "Add": (one, value),
            "Sub": (one, -value),
            "Mul": (value, zero),
            "Div": (1.0 / value if value.all() else one, zero),
        }[node.op_type]
        return left, scale, shift
    if left in constants and node.op_type != "Div":
        value = constants[left]
        steps = {"Add": (one, value), "Sub": (-one, value), "Mul": (value, zero)}
        return right, *steps[node.op_type]
    return None
