"""Convert a foreign network to FP16, and keep in FP32 what would overflow."""

import graphlib
from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper

from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.onnxruntime import open_session
from pmsgan.errors import ExportError
from pmsgan.export.foreign.pixels import PictureFormat, to_network
from pmsgan.export.foreign.reading import ForeignFile

MAX_FP16 = float(np.finfo(np.float16).max)
HEADROOM = 4.0
"""Drawn pictures do not show the largest values that any picture leads to."""
_MIN_NORMAL = 5.96e-08


def is_half(model: onnx.ModelProto) -> bool:
    """Whether a network has half-precision weights already."""
    return any(tensor.data_type == TensorProto.FLOAT16 for tensor in model.graph.initializer)


def overflowing_nodes(file: ForeignFile, pictures: Pictures, form: PictureFormat) -> list[str]:
    """Return the nodes whose results, or whose input, FP16 might not hold.

    Args:
        file: the network, with names of its own for its nodes.
        pictures: pictures uint8 [N, H, W, 3] BGR of a size that it takes.
        form: how it takes pictures.

    Raises:
        ExportError: a result is not finite.
    """
    watched, names = _watched(file.model)
    session = open_session(watched.SerializeToString(), optimise=False)
    largest = dict.fromkeys(names, 0.0)
    for picture in pictures:
        values = to_network(picture[None], form, np.uint8 if _takes_bytes(file) else np.float32)
        found = session.run([_watch(name) for name in names], {file.input_name: values})
        for name, value in zip(names, found, strict=True):
            largest[name] = max(largest[name], float(value))
    if not all(np.isfinite(list(largest.values()))):
        raise ExportError("the network's values are not finite: its training has diverged")
    wide = {name for name, value in largest.items() if value > MAX_FP16 / HEADROOM}
    return [
        node.name
        for node in file.model.graph.node
        if wide.intersection(node.output) or wide.intersection(node.input)
    ]


def to_half(model: onnx.ModelProto, keep: Iterable[str]) -> onnx.ModelProto:
    """Convert a network to FP16; its input and its output stay as they are.

    Args:
        model: the network; it is not changed.
        keep: names of the nodes that stay in FP32.

    Raises:
        ExportError: the converter fails.
    """
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    # It keeps Min and Max in FP32 for runtimes that are older than ours.
    blocked = [name for name in DEFAULT_OP_BLOCK_LIST if name not in ("Min", "Max")]
    try:
        half: onnx.ModelProto = convert_float_to_float16(
            copied, keep_io_types=True, op_block_list=blocked, node_block_list=list(keep)
        )
    except Exception as error:  # its errors share no base class
        line = str(error).strip().split("\n")[0]
        raise ExportError(f"the network cannot be converted to FP16 ({line})") from error
    _join_wide_nodes(half)
    del half.graph.value_info[:]
    return half


def _join_wide_nodes(model: onnx.ModelProto) -> None:
    """Pass values in FP32 between nodes that stay in FP32: the converter narrows each result."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    narrowed = {
        node.output[0]: node.input[0] for node in graph.node if _casts(node, TensorProto.FLOAT16)
    }
    kinds = _kinds(model)
    passed = {}
    for node in graph.node:
        source = narrowed.get(node.input[0]) if _casts(node, TensorProto.FLOAT) else None
        if source is not None and source in makers and kinds.get(source) == TensorProto.FLOAT:
            passed[node.output[0]] = source
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = passed.get(name, name)
    _sort_nodes(graph)


def _sort_nodes(graph: onnx.GraphProto) -> None:
    """Drop unused casts, and put each node after those that it depends on."""
    makers = {name: place for place, node in enumerate(graph.node) for name in node.output}
    taken = [_taken_by(node) for node in graph.node]
    used = {value.name for value in graph.output}.union(*taken)
    needs = {
        place: {makers[name] for name in taken[place] if name in makers}
        for place, node in enumerate(graph.node)
        if node.op_type != "Cast" or node.output[0] in used
    }
    order = [index for index in graphlib.TopologicalSorter(needs).static_order() if index in needs]
    nodes = [onnx.NodeProto.FromString(graph.node[index].SerializeToString()) for index in order]
    del graph.node[:]
    graph.node.extend(nodes)


def _taken_by(node: onnx.NodeProto) -> set[str]:
    """Return the values that a node and its branches take."""
    branches = [attribute.g for attribute in node.attribute if attribute.g.output]
    inner = [set(it.input) for branch in branches for it in branch.node]
    ends = {value.name for branch in branches for value in branch.output}
    return set(node.input).union(ends, *inner)


def _casts(node: onnx.NodeProto, kind: int) -> bool:
    return node.op_type == "Cast" and any(
        attribute.name == "to" and attribute.i == kind for attribute in node.attribute
    )


def _kinds(model: onnx.ModelProto) -> dict[str, int]:
    """Return the element types of the values between nodes."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {
        value.name: value.type.tensor_type.elem_type
        for value in (*graph.value_info, *graph.input, *graph.output)
    }


def _watched(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """Return a model that gives the largest absolute value of each float result; and the names."""
    kinds = _kinds(model)
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    graph = watched.graph
    del graph.output[:], graph.node[:]
    names = []
    for node in model.graph.node:
        graph.node.append(node)
        for name in node.output:
            if kinds.get(name) != TensorProto.FLOAT:
                continue
            # At once after the node, so that its result need not be kept for the end.
            graph.node.extend(
                [
                    helper.make_node("Abs", [name], [f"{_watch(name)}_abs"]),
                    helper.make_node(
                        "ReduceMax", [f"{_watch(name)}_abs"], [_watch(name)], keepdims=0
                    ),
                ]
            )
            graph.output.append(helper.make_tensor_value_info(_watch(name), TensorProto.FLOAT, []))
            names.append(name)
    return watched, names


def _watch(name: str) -> str:
    return f"largest/{name}"


def _takes_bytes(file: ForeignFile) -> bool:
    return file.input_type == TensorProto.UINT8
