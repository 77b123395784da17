"""Read and check a deployment graph before any runtime sees the file."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx

from pmsgan.errors import EngineError

GraphPrecision = Literal["fp32", "fp16"]

INPUT_NAME = "image"
OUTPUT_NAME = "translated"


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphInfo:
    """A checked deployment graph."""

    path: Path
    sha256: str
    height: int
    """Height in pixels."""
    width: int
    """Width in pixels."""
    precision: GraphPrecision
    """Precision of its weights."""


def read_graph(path: Path) -> GraphInfo:
    """Read and check a deployment graph.

    Args:
        path: an ONNX file with input `image` and output `translated`, uint8 [N, H, W, 3] each.

    Raises:
        EngineError: the file is missing or damaged, keeps data in another file, or holds no such
            graph.
    """
    try:
        data = path.read_bytes()
        # load_model_from_string opens no other file, whatever the model says.
        model = onnx.load_model_from_string(data)
    except OSError as error:
        raise EngineError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # protobuf's errors share no base class
        raise EngineError(f"{path} is not an ONNX file: export it again") from error
    refuse_external_data(model, path)
    height, width = _picture_size(model, path)
    return GraphInfo(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        height=height,
        width=width,
        precision="fp16" if _has_half(model) else "fp32",
    )


def refuse_external_data(model: onnx.ModelProto, path: Path) -> None:
    """Raise EngineError if a tensor of the model lies in another file.

    The model could name any path of the machine that reads it.
    """
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise EngineError(
                f"{path} keeps the tensor {tensor.name!r} in another file: "
                "export it again as one self-contained file"
            )
    if model.functions:
        raise EngineError(f"{path} holds functions of its own: export it again with pmsgan export")


def _has_half(model: onnx.ModelProto) -> bool:
    return any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _picture_size(model: onnx.ModelProto, path: Path) -> tuple[int, int]:
    shapes = []
    for values, name in ((model.graph.input, INPUT_NAME), (model.graph.output, OUTPUT_NAME)):
        kind = values[0].type.tensor_type if len(values) == 1 else None
        if kind is None or values[0].name != name or kind.elem_type != onnx.TensorProto.UINT8:
            raise EngineError(
                f"{path} is not a deployment graph (uint8 {INPUT_NAME!r} in, "
                f"uint8 {OUTPUT_NAME!r} out): make one with pmsgan export"
            )
        shapes.append([dimension.dim_value for dimension in kind.shape.dim])
    if shapes[0] != shapes[1] or len(shapes[0]) != 4 or shapes[0][3] != 3 or not all(shapes[0][1:]):
        raise EngineError(
            f"{path} has pictures of shape {shapes[0]} in and {shapes[1]} out, not the same "
            "[N, H, W, 3]: export it again with pmsgan export"
        )
    return shapes[0][1], shapes[0][2]
