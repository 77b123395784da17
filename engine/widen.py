"""Let an FP16 graph compute in FP32, or a part of it, where FP16 is not accurate enough."""

import numpy as np
import onnx
from onnx import numpy_helper

HALF, SINGLE = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
_MEANS = ("ReduceMean", "GlobalAveragePool")


def widen(data: bytes) -> bytes:
    """Make an FP16 deployment graph compute in FP32; its weights stay rounded to FP16.

    Args:
        data: the bytes of an ONNX file.

    Returns:
        The same graph with every half-precision tensor and cast in single precision.
    """
    model = onnx.load_model_from_string(data)
    graph = model.graph
    for tensor in graph.initializer:
        _widen_tensor(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                _widen_tensor(attribute.t)
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == HALF:
                attribute.i = SINGLE
    for value in (*graph.value_info, *graph.input, *graph.output):
        if value.type.tensor_type.elem_type == HALF:
            value.type.tensor_type.elem_type = SINGLE
    return bytes(model.SerializeToString())


def widen_means(data: bytes) -> bytes:
    """Let an FP16 graph sum its means in FP32, since a sum over a picture exceeds what FP16 holds.

    Args:
        data: the bytes of an ONNX file.

    Returns:
        The same graph with casts around each mean of half-precision values.
    """
    model = onnx.load_model_from_string(data)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    halves = {
        value.name
        for value in (*inferred.value_info, *inferred.input)
        if value.type.tensor_type.elem_type == HALF
    }
    nodes = []
    for node in model.graph.node:
        if node.op_type not in _MEANS or node.input[0] not in halves:
            nodes.append(node)
            continue
        before, after = node.input[0], node.output[0]
        node.input[0], node.output[0] = f"{after}_wide_input", f"{after}_wide"
        nodes += [
            onnx.helper.make_node("Cast", [before], [node.input[0]], to=SINGLE),
            node,
            onnx.helper.make_node("Cast", [node.output[0]], [after], to=HALF),
        ]
    del model.graph.value_info[:]  # the types of widened tensors have changed
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _widen_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_type == HALF:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
