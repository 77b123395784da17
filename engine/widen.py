"""Make an FP32 graph from an FP16 one, for where FP16 is not accurate enough."""

import numpy as np
import onnx
from onnx import numpy_helper

HALF, SINGLE = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT


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


def _widen_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_type == HALF:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
