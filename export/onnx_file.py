"""Write a deployment graph as one self-contained ONNX file."""

from pathlib import Path

import onnx

import pmsgan
from pmsgan.engine.graph import refuse_external_data
from pmsgan.errors import EngineError, ExportError


def write_onnx(model: onnx.ModelProto, path: Path, metadata: dict[str, str]) -> None:
    """Write a model, without the exporter's notes about its machine (paths of source files).

    Args:
        model: the model to write; it is changed in place.
        path: the ONNX file; an existing one is replaced.
        metadata: notes to keep in the file.

    Raises:
        ExportError: the model is invalid.
        OSError: the file cannot be written.
    """
    _strip_notes(model)
    _name_sides(model.graph)
    model.producer_name = "pmsgan"
    model.producer_version = pmsgan.__version__
    onnx.helper.set_model_props(model, metadata)
    try:
        refuse_external_data(model, path)
        onnx.checker.check_model(model, full_check=True)
    except (
        EngineError,
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
    ) as error:
        raise ExportError(f"the exported graph is invalid: {error}") from error
    path.write_bytes(model.SerializeToString())


def _name_sides(graph: onnx.GraphProto) -> None:
    """Name the free sides of the pictures, which the exporter writes as 4*rows and 4*columns."""
    for value in (*graph.input, *graph.output):
        _, height, width, _ = value.type.tensor_type.shape.dim
        for side, name in ((height, "height"), (width, "width")):
            if not side.dim_value:
                side.dim_param = name


def _strip_notes(model: onnx.ModelProto) -> None:
    graph = model.graph
    model.doc_string = graph.doc_string = ""
    for noted in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        noted.doc_string = ""
        del noted.metadata_props[:]
    for tensor in graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
    del graph.value_info[:]
