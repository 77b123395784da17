"""The fields of a graph are read from graphs of one node."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pmsgan.engine.graph import read_graph, size_notes
from pmsgan.errors import ConfigError, EngineError

UINT8 = TensorProto.UINT8
ANY, FIXED = ["N", "H", "W", 3], ["N", 8, 4, 3]
NOTES = size_notes(8, 4, 2)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(
        shape: Sequence[Any] = FIXED,
        out: Sequence[Any] | None = None,
        kinds: tuple[int, int] = (UINT8, UINT8),
        names: tuple[str, str] = ("image", "translated"),
        notes: dict[str, str] | None = None,
        weights: Any = None,
        change: Callable[[onnx.ModelProto], object] = lambda model: None,
    ) -> Path:
        graph = helper.make_graph(
            [helper.make_node("Identity", names[:1], names[1:])],
            "graph",
            [helper.make_tensor_value_info(names[0], kinds[0], shape)],
            [helper.make_tensor_value_info(names[1], kinds[1], out or shape)],
            [] if weights is None else [numpy_helper.from_array(weights, "weights")],
        )
        model = helper.make_model(graph)
        helper.set_model_props(model, notes or {})
        change(model)
        path = tmp_path / "graph.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return write


def test_a_graph_of_one_size_says_it(write: Callable[..., Path]) -> None:
    graph = read_graph(write())
    assert (graph.height, graph.width, graph.side_multiple) == (8, 4, None)
    assert (graph.precision, graph.is_batch_fixed) == ("fp32", False)
    assert graph.checked() is graph
    assert read_graph(write(), (8, 4)) == graph
    with pytest.raises(EngineError, match="only takes pictures of 4x8, not 8x8"):
        read_graph(write(), (8, 8))
    assert read_graph(write([1, 8, 4, 3])).is_batch_fixed


def test_a_graph_of_any_size_says_its_own(write: Callable[..., Path]) -> None:
    assert NOTES == {"height": "8", "width": "4", "side_multiple": "2"}
    graph = read_graph(write(ANY, notes=NOTES))
    assert (graph.height, graph.width, graph.side_multiple) == (8, 4, 2)
    assert read_graph(write(ANY, notes=NOTES), (2, 6)) == graph.resized((2, 6))
    with pytest.raises(ConfigError, match="width 5 is not a multiple of 2"):
        graph.resized((2, 5))
    graph = read_graph(write(ANY, notes=size_notes(5, 7, 1)))
    assert (graph.height, graph.width, graph.side_multiple) == (5, 7, 1)
    for shape in (["N", "H", 4, 3], ["N", 8, "W", 3]):
        with pytest.raises(EngineError, match="does not say its default size"):
            read_graph(write(shape))


@pytest.mark.parametrize(
    ("weights", "precision"),
    [
        (np.zeros(2, np.float16), "fp16"),
        (np.zeros(2, np.float32), "fp32"),
        (np.zeros(2, np.int8), "fp32"),
    ],
)
def test_the_precision_is_that_of_weights(
    write: Callable[..., Path], weights: Any, precision: str
) -> None:
    assert read_graph(write(weights=weights)).precision == precision


@pytest.mark.parametrize(
    "wrong",
    [
        {"names": ("picture", "translated")},
        {"names": ("image", "picture")},
        {"kinds": (TensorProto.FLOAT, UINT8)},
        {"kinds": (UINT8, TensorProto.FLOAT)},
        {"change": lambda model: model.graph.input.append(model.graph.input[0])},
        {"change": lambda model: model.graph.output.append(model.graph.output[0])},
        {"change": lambda model: model.graph.ClearField("input")},
    ],
)
def test_other_inputs_and_outputs_are_refused(write: Callable[..., Path], wrong: Any) -> None:
    with pytest.raises(EngineError, match="is not a deployment graph"):
        read_graph(write(**wrong))


@pytest.mark.parametrize(
    ("shape", "out"),
    [
        (["N", 8, 3], None),
        (["N", 8, 4, 3, 1], None),
        (["N", 8, 4, 4], None),
        (["N", 3, 4, "C"], None),
        (["N", 0, 4, 3], None),
        (["N", 8, 4, 3], ["N", 4, 8, 3]),
        (["N", 8, 4, 3], ["N", 8, 4]),
        (["N", 8, 4, 3], ["M", 8, 4, 3]),
        ([2, 8, 4, 3], None),
        ([8, 8, 4, 3], None),
        (["N", "H", "W", "C"], None),
    ],
)
def test_other_shapes_are_refused(write: Callable[..., Path], shape: Any, out: Any) -> None:
    with pytest.raises(EngineError, match="has pictures of shape"):
        read_graph(write(shape, out))


@pytest.mark.parametrize("marks", ["location", "data", "both"])
def test_one_sign_of_external_data_is_enough(write: Callable[..., Path], marks: str) -> None:
    def change(model: onnx.ModelProto) -> None:
        (tensor,) = model.graph.initializer
        if marks != "data":
            tensor.data_location = TensorProto.EXTERNAL
        if marks != "location":
            tensor.external_data.add(key="location", value="/etc/passwd")

    with pytest.raises(EngineError, match="keeps the tensor 'weights' in another file"):
        read_graph(write(weights=np.zeros(2, np.float32), change=change))
