"""Read and check a deployment graph before any runtime sees the file."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import onnx

from pmsgan.engine.limits import check_model, check_sizes, read_model, tensors
from pmsgan.engine.named_graph import INPUT_NAME, OUTPUT_NAME, NamedGraph
from pmsgan.errors import ConfigError, EngineError
from pmsgan.model.config import check_sides

GraphPrecision = Literal["fp32", "fp16"]

_SIZE_NOTES = ("height", "width", "side_multiple")


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphInfo(NamedGraph):
    """A checked deployment graph."""

    side_multiple: int | None
    """Both sides may be any multiple of this [pixels]; None if the graph has one fixed size."""
    precision: GraphPrecision
    """Precision of its weights."""
    is_batch_fixed: bool
    """Whether it takes only one picture at a time."""

    def checked(self) -> "GraphInfo":
        """Return itself."""
        return self

    def resized(self, size: tuple[int, int]) -> "GraphInfo":
        """Return the same graph for another size (height, width) [pixels].

        Raises:
            ConfigError: a side is not a multiple of `side_multiple`.
            EngineError: the graph has one fixed size, and it is another one.
        """
        height, width = size
        if self.side_multiple is not None:
            check_sides(height, width, self.side_multiple)
        elif size != (self.height, self.width):
            raise EngineError(
                f"{self.path} only takes pictures of {self.width}x{self.height}, not "
                f"{width}x{height}: to let an older graph take any size, run pmsgan styles update "
                f"{self.path.parent}"
            )
        return replace(self, height=height, width=width)


def read_graph(path: Path, size: tuple[int, int] | None = None) -> GraphInfo:
    """Read and check a deployment graph.

    Args:
        path: an ONNX file with input `image` and output `translated`, uint8 [N, H, W, 3] each.
            H and W are dynamic, or fixed in a file of pmsgan 0.1.
        size: height and width to run it at [pixels]; by default those that the file names.

    Raises:
        ConfigError: a side is not the multiple that the graph needs.
        EngineError: the file is missing or damaged, keeps data in another file, holds no deployment
            graph or one of another size, or `check_model` refuses it.
    """
    data, model = read_model(path)
    refuse_external_data(model, path)
    check_model(model, path)
    height, width, side_multiple = _picture_size(model, path)
    graph = GraphInfo(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        height=height,
        width=width,
        side_multiple=side_multiple,
        precision="fp16" if _has_half(model) else "fp32",
        is_batch_fixed=model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1,
    )
    graph = graph if size is None else graph.resized(size)
    check_sizes(model, path, (1, graph.height, graph.width, 3), returns_same=True)
    return graph


def size_notes(height: int, width: int, side_multiple: int) -> dict[str, str]:
    """Return the metadata that states a graph's default size and the allowed sides."""
    values = (height, width, side_multiple)
    return {name: str(value) for name, value in zip(_SIZE_NOTES, values, strict=True)}


def refuse_external_data(model: onnx.ModelProto, path: Path) -> None:
    """Raise EngineError if a tensor of the model lies in another file.

    The model could name any path of the machine that reads it.
    """
    for tensor in tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise EngineError(
                f"{path} keeps the tensor {tensor.name!r} in another file: "
                "export it again as one self-contained file"
            )


def _has_half(model: onnx.ModelProto) -> bool:
    return any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer)


def _picture_size(model: onnx.ModelProto, path: Path) -> tuple[int, int, int | None]:
    """Return the default height and width, and the multiple of sides that may vary.

    Raises:
        EngineError: the model is not a deployment graph, or does not say its default size.
    """
    shapes = []
    for values, name in ((model.graph.input, INPUT_NAME), (model.graph.output, OUTPUT_NAME)):
        kind = values[0].type.tensor_type if len(values) == 1 else None
        if kind is None or values[0].name != name or kind.elem_type != onnx.TensorProto.UINT8:
            raise EngineError(
                f"{path} is not a deployment graph (uint8 {INPUT_NAME!r} in, "
                f"uint8 {OUTPUT_NAME!r} out): make one with pmsgan export"
            )
        shapes.append([side.dim_value or side.dim_param for side in kind.shape.dim])
    shape, out = shapes
    is_picture = len(shape) == 4 and shape[3] == 3 and all(shape)
    if out != shape or not is_picture or shape[0] not in (1, *_names(shape)):
        raise EngineError(
            f"{path} has pictures of shape {shape} in and {out} out, not the same "
            "[N, H, W, 3]: export it again with pmsgan export"
        )
    height, width = shape[1:3]
    if isinstance(height, int) and isinstance(width, int):
        return height, width, None
    return _read_size_notes(model, path)


def _names(shape: list[int | str]) -> list[int | str]:
    return [side for side in shape if isinstance(side, str)]


def _read_size_notes(model: onnx.ModelProto, path: Path) -> tuple[int, int, int]:
    notes = {entry.key: entry.value for entry in model.metadata_props}
    try:
        height, width, multiple = (int(notes[name]) for name in _SIZE_NOTES)
        if multiple < 1:
            raise ValueError
        check_sides(height, width, multiple)
    except (KeyError, ValueError, ConfigError) as error:
        raise EngineError(
            f"{path} takes pictures of any size and does not say its default size: "
            "export it again with pmsgan export"
        ) from error
    return height, width, multiple
