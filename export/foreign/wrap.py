"""Make a deployment graph of a foreign network: bytes go in, bytes come out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from pmsgan.engine.named_graph import INPUT_NAME, OUTPUT_NAME
from pmsgan.errors import ExportError
from pmsgan.export.foreign.pixels import PictureFormat, input_affine, output_affine

PREFIX = "network/"
"""Prefix of the network's names, so that none occurs twice."""
_TO_NCHW, _TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


def free_sides(model: onnx.ModelProto, *, batch: bool, sides: bool) -> onnx.ModelProto:
    """Return a model whose pictures may come in any number, or have any size.

    Args:
        model: a network with one picture in; it is not changed.
        batch: free the first dimension.
        sides: free height and width.
    """
    freed = onnx.ModelProto()
    freed.CopyFrom(model)
    constants = {tensor.name for tensor in freed.graph.initializer}
    for value in freed.graph.input:
        if value.name not in constants:
            dims = value.type.tensor_type.shape.dim
            places = ([0] if batch else []) + ([1, 2, 3] if sides else [])
            for place in places:
                if dims[place].dim_value != 3:
                    dims[place].dim_param = f"side_{place}"
    for value in freed.graph.output:
        _free_shape(value)
    del freed.graph.value_info[:]
    return freed


def wrap(
    network: onnx.ModelProto,
    form: PictureFormat,
    *,
    input_name: str,
    output_name: str,
    size: tuple[int, int] | None,
    is_batch_fixed: bool,
) -> onnx.ModelProto:
    """Make the deployment graph of a network.

    Args:
        network: a network with one picture in, as float, half or uint8; it is not changed.
        form: how it takes and gives pictures.
        input_name: the name of its input.
        output_name: the name of the output that is the picture.
        size: height and width of its pictures [pixels]; None for any.
        is_batch_fixed: it takes one picture at a time.

    Returns:
        A model with input `image` and output `translated`, uint8 [N, H, W, 3] BGR.

    Raises:
        ExportError: the parts do not fit together.
    """
    inner = onnx.ModelProto()
    inner.CopyFrom(network)
    _drop_constant_inputs(inner.graph)
    _drop_other_outputs(inner.graph, output_name)
    _let_bytes_pass(inner.graph, input_name)
    takes, gives = (
        values[0].type.tensor_type.elem_type for values in (inner.graph.input, inner.graph.output)
    )
    inner = compose.add_prefix(inner, PREFIX)
    shape: list[int | str] = [1 if is_batch_fixed else "N", *(size or ("height", "width")), 3]
    opsets = list(network.opset_import)
    before, after = _before(form, takes, shape), _after(form, gives, shape)
    try:
        model = _merged(_model(before, inner, opsets), inner, "ready", PREFIX + input_name)
        return _merged(model, _model(after, inner, opsets), PREFIX + output_name, "given")
    except Exception as error:  # protobuf's and the checker's errors share no base class
        line = str(error).strip().split("\n")[0]
        raise ExportError(
            f"the network cannot be combined with its pre- and post-processing: {line}"
        ) from error


def _before(form: PictureFormat, kind: int, shape: Sequence[int | str]) -> onnx.GraphProto:
    """Return the graph from bytes to the network's input."""
    graph = _Chain("before", "image")
    # The cast comes first: TensorRT takes a uint8 input only straight into a cast.
    graph.add("Cast", to=TensorProto.FLOAT)
    axis = 1 if form.layout_in == "nchw" else 3
    if form.layout_in == "nchw":
        graph.add("Transpose", perm=_TO_NCHW)
    if form.order == "rgb":
        graph.add("Gather", np.array([2, 1, 0]), axis=axis)
    scale, shift = input_affine(form.range_in, form.order)
    graph.affine(_along(scale, axis), _along(shift, axis))
    if kind != TensorProto.FLOAT:
        graph.add("Cast", to=kind)
    return graph.finish(
        helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, shape),
        helper.make_tensor_value_info("ready", kind, [None] * 4),
    )


def _after(form: PictureFormat, kind: int, shape: Sequence[int | str]) -> onnx.GraphProto:
    """Return the graph from the network's output to bytes."""
    graph = _Chain("after", "given")
    if kind != TensorProto.FLOAT:
        graph.add("Cast", to=TensorProto.FLOAT)
    axis = 1 if form.layout_out == "nchw" else 3
    if form.is_grey:
        graph.repeat(3, axis)
    elif form.order == "rgb":
        graph.add("Gather", np.array([2, 1, 0]), axis=axis)
    scale, shift = output_affine(form.range_out)
    graph.affine(np.float32(scale), np.float32(shift))
    graph.add("Round")
    graph.add("Clip", np.float32(0.0), np.float32(255.0))
    if form.layout_out == "nchw":
        graph.add("Transpose", perm=_TO_NHWC)
    # The cast comes last: TensorRT gives uint8 only as the last node's output.
    graph.add("Cast", to=TensorProto.UINT8, result=OUTPUT_NAME)
    return graph.finish(
        helper.make_tensor_value_info("given", kind, [None] * 4),
        helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.UINT8, shape),
    )


class _Chain:
    """A chain of operators, each of which takes the result of the one before."""

    def __init__(self, name: str, start: str) -> None:
        self._name, self._last = name, start
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *constants: object, result: str = "", **attributes: Any) -> None:
        number = len(self._nodes)
        names = [f"{self._name}_{number}_{place}" for place, _ in enumerate(constants)]
        self._constants += [
            numpy_helper.from_array(np.asarray(value), name)
            for value, name in zip(constants, names, strict=True)
        ]
        self._add(kind, [self._last, *names], result, attributes)

    def affine(self, scale: "np.ndarray | np.float32", shift: "np.ndarray | np.float32") -> None:
        if np.any(scale != 1):
            self.add("Mul", scale)
        if np.any(shift != 0):
            self.add("Add", shift)

    def repeat(self, count: int, axis: int) -> None:
        self._add("Concat", [self._last] * count, "", {"axis": axis})

    def finish(
        self, value_in: onnx.ValueInfoProto, value_out: onnx.ValueInfoProto
    ) -> onnx.GraphProto:
        self._nodes[-1].output[0] = value_out.name
        return helper.make_graph(self._nodes, self._name, [value_in], [value_out], self._constants)

    def _add(
        self, kind: str, inputs: Sequence[str], result: str, attributes: dict[str, Any]
    ) -> None:
        name = f"{self._name}_{len(self._nodes)}"
        self._last = result or name
        self._nodes.append(
            helper.make_node(kind, inputs, [self._last], name=f"{name}_{kind}", **attributes)
        )


def _along(values: Sequence[float], axis: int) -> "np.ndarray":
    """Return one number, or one for each of three channels."""
    if len(values) == 1:
        return np.asarray(values[0], np.float32)
    shape = [1, 1, 1, 1]
    shape[axis] = len(values)
    return np.asarray(values, np.float32).reshape(shape)


def _model(
    graph: onnx.GraphProto, like: onnx.ModelProto, opsets: Sequence[onnx.OperatorSetIdProto]
) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=opsets, ir_version=like.ir_version)


def _merged(
    first: onnx.ModelProto, second: onnx.ModelProto, given: str, taken: str
) -> onnx.ModelProto:
    return compose.merge_models(first, second, [(given, taken)])


def _drop_constant_inputs(graph: onnx.GraphProto) -> None:
    """Drop inputs that have values in the file, as those of old versions have."""
    constants = {tensor.name for tensor in graph.initializer}
    kept = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(kept)


def _drop_other_outputs(graph: onnx.GraphProto, name: str) -> None:
    """Drop the outputs that are not the picture, and the nodes that only they need."""
    kept = [value for value in graph.output if value.name == name]
    _free_shape(kept[0])
    del graph.output[:]
    graph.output.extend(kept)
    del graph.value_info[:]
    needed, nodes = {name}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
            for attribute in node.attribute:  # a branch uses values of the graph around it
                needed.update(name for inner in attribute.g.node for name in inner.input)
                needed.update(it.name for it in attribute.g.output)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in reversed(nodes)]
    del graph.node[:]
    graph.node.extend(nodes)


def _free_shape(value: onnx.ValueInfoProto) -> None:
    """Let a picture have any size; the checker still requires four dimensions."""
    kind = value.type.tensor_type.elem_type
    value.CopyFrom(helper.make_tensor_value_info(value.name, kind, [None] * 4))


def _let_bytes_pass(graph: onnx.GraphProto, name: str) -> None:
    """Let a network of bytes take and return float, since TensorRT allows bytes only at the ends.

    Levels are whole numbers up to 255, which float holds exactly. A cast to bytes rounds down.
    """
    value = graph.input[0].type.tensor_type
    users = [node for node in graph.node if name in node.input]
    if value.elem_type == TensorProto.UINT8 and {node.op_type for node in users} == {"Cast"}:
        value.elem_type = TensorProto.FLOAT
    (given,) = graph.output
    for place, node in enumerate(graph.node):
        if node.op_type == "Cast" and given.name in node.output:
            if given.type.tensor_type.elem_type != TensorProto.UINT8:
                return
            wide = helper.make_node(
                "Cast", node.input, [f"{given.name}_wide"], to=TensorProto.FLOAT
            )
            node.CopyFrom(helper.make_node("Floor", wide.output, [given.name]))
            graph.node.insert(place, wide)
            given.type.tensor_type.elem_type = TensorProto.FLOAT
            return
