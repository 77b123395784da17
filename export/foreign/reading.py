"""Read an ONNX file from elsewhere: its data, and the picture that goes in."""

from dataclasses import dataclass
from pathlib import Path

import onnx

from pmsgan.engine.limits import MAX_FILE_BYTES, check_model, read_model, tensors
from pmsgan.engine.trial import reading_bounds
from pmsgan.errors import ExportError
from pmsgan.regular_file import read_regular

MIN_OPSET = 11
"""First operator set in which all operators that the deployment graph adds have their current
form."""
NEW_OPSET = 18
MAX_NAME = 255
"""Most letters in the name of a file."""
PICTURE_TYPES = {
    onnx.TensorProto.FLOAT: "float",
    onnx.TensorProto.FLOAT16: "half",
    onnx.TensorProto.UINT8: "uint8",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignFile:
    """A checked ONNX file with one picture in."""

    model: onnx.ModelProto
    input_name: str
    input_type: int
    """Element type, one of `PICTURE_TYPES`."""
    input_shape: tuple[int | None, ...]
    """None where a dimension is free."""
    output_names: tuple[str, ...]


def read_foreign(path: Path) -> ForeignFile:
    """Read an ONNX file, and pack data into it from files beside it.

    Raises:
        EngineError: it is not an ONNX file, or `check_model` refuses it.
        ExportError: it takes no picture, has more than one input, or has data elsewhere.
    """
    with reading_bounds(path.stat().st_size if path.is_file() else 0):
        _, model = read_model(path)
    _pack_data(model, path)
    check_model(model, path)
    model = _upgraded(model, path)
    _lift_constants(model.graph)
    _name_nodes(model.graph)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(value.name[:40] for value in inputs[:4])
        raise ExportError(
            f"{path} takes {len(inputs)} inputs ({names}): only one picture is supported"
        )
    kind = inputs[0].type.tensor_type
    shape = tuple(side.dim_value or None for side in kind.shape.dim)
    is_picture = len(shape) == 4 and all(side is None or side > 0 for side in shape)
    if not is_picture or kind.elem_type not in PICTURE_TYPES:
        type_name = PICTURE_TYPES.get(kind.elem_type, f"of type {kind.elem_type}")
        raise ExportError(
            f"{path} takes {type_name} {_shown(shape)}: only pictures are supported, as float, "
            "half or uint8 [N, 3, H, W] or [N, H, W, 3]"
        )
    return ForeignFile(
        model=model,
        input_name=inputs[0].name,
        input_type=kind.elem_type,
        input_shape=shape,
        output_names=tuple(value.name for value in model.graph.output),
    )


def _pack_data(model: onnx.ModelProto, path: Path) -> None:
    """Read tensors that lie in files beside the model's, by plain names alone."""
    files: dict[str, bytes] = {}
    for tensor in tensors(model.graph):
        if tensor.data_location != onnx.TensorProto.EXTERNAL and not tensor.external_data:
            continue
        notes = {entry.key: entry.value for entry in tensor.external_data}
        name = notes.get("location", "")
        beside = path.parent / name[:MAX_NAME]
        if not name or Path(name).name != name or beside.name != name or beside.is_symlink():
            raise ExportError(
                f"{path} keeps data in {name[:80]!r}: data is only read from a file beside it"
            )
        try:
            if name not in files:
                files[name] = read_regular(beside, MAX_FILE_BYTES)
            start, data = int(notes.get("offset", 0)), files[name]
            length = int(notes.get("length", len(data) - start))
        except OSError as error:
            raise ExportError(f"cannot read {beside}: {error.strerror}") from error
        except ValueError as error:
            raise ExportError(f"{path} does not say where in {name[:80]!r} data is") from error
        if not 0 <= start <= start + length <= len(data):
            raise ExportError(f"{beside} is shorter than {path} says: give both, as exported")
        tensor.raw_data = data[start : start + length]
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]
    if files and model.ByteSize() > MAX_FILE_BYTES:
        raise ExportError(f"{path} has more than {MAX_FILE_BYTES} bytes with its data")


def _upgraded(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """Return the model with a version of the standard that the deployment graph can have."""
    version = next(opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx"))
    for entry in model.opset_import:
        entry.domain = "" if entry.domain == "ai.onnx" else entry.domain
    kept = [opset for opset in model.opset_import if not opset.domain]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    newest = onnx.defs.onnx_opset_version()
    if not 1 <= version <= newest:
        raise ExportError(f"{path} has opset {version}: at most {newest} is supported")
    if version >= MIN_OPSET:
        return model
    try:
        return onnx.version_converter.convert_version(model, NEW_OPSET)
    except Exception as error:  # its errors share no base class
        raise ExportError(
            f"{path} has opset {version} and cannot be converted to {NEW_OPSET}: export it again "
            f"with opset {MIN_OPSET} or newer"
        ) from error


def _lift_constants(graph: onnx.GraphProto) -> None:
    """Put the tensors of Constant nodes among the weights: the converter to FP16 would clip them.

    Those of a node that stays in FP32 have to stay in it, too.
    """
    lifted = []
    for node in graph.node:
        names = [attribute.name for attribute in node.attribute]
        if node.op_type == "Constant" and names == ["value"]:
            tensor = graph.initializer.add()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
            lifted.append(node)
    for node in lifted:
        graph.node.remove(node)


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Give each node a name of its own, by which a part of them can stay in FP32."""
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"


def _shown(shape: tuple[int | None, ...]) -> list[int | str]:
    return [side or "?" for side in shape[:8]]
