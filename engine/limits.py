"""Refuse an ONNX file that could hang a runtime or fill its memory, before a runtime sees it.

A network from pictures to pictures is a few hundred operators of the ONNX standard. Other features
of the format (loops, functions, custom operators) are of no use here.
"""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

from pmsgan.errors import EngineError
from pmsgan.regular_file import read_regular

MAX_FILE_BYTES = 2**31 - 1
"""The largest file that protobuf, the format of ONNX files, allows [bytes]."""
MAX_NODES = 10_000
MAX_ENTRIES = 64
"""Most outputs, and most operator sets."""
MAX_BRANCH_NODES = 32
"""Most nodes in both branches of an If."""
MAX_ELEMENTS = 2**31
"""Most numbers in one constant."""
MAX_PER_PIXEL = 1024
"""Most numbers in a tensor between operators, for each pixel of the picture."""
MIN_PIXELS = 2**14
"""Smaller pictures may lead to tensors as large as those for this many pixels."""
MAX_DIMENSIONS = 16
_MAX_SIZES = 1024
"""Most numbers in a tensor that may define the size of another one."""
_MAX_TEXT = 60
_STANDARD = ("", "ai.onnx")
_REFUSED = (
    "Loop", "Scan", "SequenceMap", "SplitToSequence",
    "ImageDecoder", "StringSplit", "RegexFullMatch",
)  # fmt: skip
_TYPES = tuple(
    onnx.TensorProto.DataType.Value(name)
    for name in (
        "FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64",
        "INT8", "INT16", "INT32", "INT64",
    )
)  # fmt: skip


def read_model(path: Path) -> tuple[bytes, onnx.ModelProto]:
    """Read an ONNX file; no other file is opened, even if the model names some.

    Returns:
        The bytes of the file, and the model.

    Raises:
        EngineError: it cannot be read, is not a regular file, is too large, or is not an ONNX file.
    """
    try:
        data = read_regular(path, MAX_FILE_BYTES)
    except OSError as error:
        raise EngineError(f"cannot read {path}: {error.strerror}") from error
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's errors share no base class
        raise EngineError(f"{path} is not an ONNX file, or takes too much memory") from error
    if not model.graph.node:
        raise EngineError(f"{path} is not an ONNX file or is empty: export it again")
    return data, model


def check_model(model: onnx.ModelProto, path: Path) -> None:
    """Check the operators and tensors of a model that keeps all data in its own file.

    Raises:
        EngineError: it has functions, custom operators, a loop, a large branch, or a tensor whose
            size and data do not agree.
    """
    if model.functions:
        raise EngineError(f"{path} holds functions of its own: export it again with pmsgan export")
    if max(len(model.opset_import), len(model.graph.output)) > MAX_ENTRIES:
        raise EngineError(f"{path} has more than {MAX_ENTRIES} outputs, or versions of operators")
    nodes = list(itertools.islice(_nodes(model.graph), MAX_NODES + 1))
    if len(nodes) > MAX_NODES:
        raise EngineError(f"{path} has more than {MAX_NODES} operators, which is not supported")
    attributes = [attribute for node in nodes for attribute in node.attribute]
    if model.graph.sparse_initializer or any(
        it.sparse_tensors or it.HasField("sparse_tensor") for it in attributes
    ):
        raise EngineError(f"{path} holds sparse tensors, which are not supported")
    for node in nodes:
        name = node.op_type[:_MAX_TEXT]
        if node.domain not in _STANDARD:
            raise EngineError(
                f"{path} has the operator {name} of {node.domain[:_MAX_TEXT]}: "
                "only those of the ONNX standard are supported"
            )
        if node.op_type in _REFUSED or not onnx.defs.has(node.op_type):
            known = "is not supported" if node.op_type in _REFUSED else "does not exist"
            raise EngineError(f"{path} has the operator {name}, which {known}")
        if node.op_type == "If":
            size = sum(1 for it in node.attribute for _ in _nodes(it.g))
            if size > MAX_BRANCH_NODES:
                raise EngineError(
                    f"{path} has an If of {size} operators: at most {MAX_BRANCH_NODES} are "
                    f"supported"
                )
    if not any(opset.domain in _STANDARD for opset in model.opset_import):
        raise EngineError(f"{path} does not say its version of the ONNX standard")
    for tensor in tensors(model.graph):
        _check_tensor(tensor, path)


def check_sizes(
    model: onnx.ModelProto, path: Path, shape: tuple[int, ...], *, returns_same: bool = False
) -> None:
    """Check how large the tensors between the operators are for one picture.

    Args:
        model: a model that has passed `check_model`.
        path: its file, for the error.
        shape: that of its only input.
        returns_same: its only output is declared to have the same shape.

    Raises:
        EngineError: a tensor has more numbers than `MAX_PER_PIXEL` allows, or the shapes contradict
            each other or the declared ones.
    """
    sketch = _without_weights(model, shape)
    try:
        graph = onnx.shape_inference.infer_shapes(sketch, data_prop=True).graph
    except Exception as error:  # protobuf's errors share no base class
        raise EngineError(f"{path} has shapes that contradict each other") from error
    most = MAX_PER_PIXEL * max(MIN_PIXELS, math.prod(shape) // 3)
    for value in (*graph.value_info, *graph.output):
        sides = [side.dim_value for side in value.type.tensor_type.shape.dim]
        if math.prod(max(1, side) for side in sides) > most:
            raise EngineError(
                f"{path} makes a tensor of {'x'.join(map(str, sides))} numbers, which is too large"
            )
    result = [side.dim_value for side in graph.output[0].type.tensor_type.shape.dim]
    if returns_same and any(a not in (0, b) for a, b in zip(result, shape, strict=True)):
        raise EngineError(f"{path} gives {result} for a picture {list(shape)}: export it again")


def tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield every constant of a graph and of the graphs inside it."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("sparse_tensor"):
                yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
            yield from attribute.tensors
            for sparse in attribute.sparse_tensors:
                yield from (sparse.values, sparse.indices)
            for inner in (attribute.g, *attribute.graphs):
                yield from tensors(inner)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _check_tensor(tensor: onnx.TensorProto, path: Path) -> None:
    """Raise EngineError unless a tensor holds as many numbers as its shape says."""
    name = f"{path}: the tensor {tensor.name[:_MAX_TEXT]!r}"
    is_odd = len(tensor.dims) > MAX_DIMENSIONS or min(tensor.dims, default=0) < 0
    if is_odd or math.prod(tensor.dims) > MAX_ELEMENTS:
        raise EngineError(f"{name} has the size {list(tensor.dims)[:8]}, which is not supported")
    if tensor.data_type not in _TYPES:
        raise EngineError(f"{name} has the type {tensor.data_type}, which is not supported")
    if tensor.HasField("raw_data"):
        kind = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
        found, wanted = len(tensor.raw_data), math.prod(tensor.dims) * kind.itemsize
    else:
        field = onnx.helper.tensor_dtype_to_field(tensor.data_type)
        found, wanted = len(getattr(tensor, field)), math.prod(tensor.dims)
    if found != wanted:
        raise EngineError(f"{name} holds {found} of the {wanted} values that its size says")


def _without_weights(model: onnx.ModelProto, shape: tuple[int, ...]) -> onnx.ModelProto:
    """Return a model that has the shapes of its weights instead of the weights."""
    sketch = onnx.ModelProto(ir_version=model.ir_version)
    sketch.opset_import.extend(model.opset_import)
    graph, original = sketch.graph, model.graph
    graph.name = "sketch"
    graph.node.extend(original.node)
    graph.output.extend(original.output)
    weights = {tensor.name for tensor in original.initializer}
    for value in original.input:
        if value.name not in weights:
            kind = value.type.tensor_type.elem_type
            graph.input.append(onnx.helper.make_tensor_value_info(value.name, kind, shape))
    for tensor in original.initializer:
        if math.prod(tensor.dims) <= _MAX_SIZES:
            graph.initializer.append(tensor)
        else:
            graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    return sketch
