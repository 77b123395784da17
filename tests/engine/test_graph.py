from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from pmsgan.engine.graph import read_graph
from pmsgan.engine.openvino import OpenVinoEngine
from pmsgan.errors import ConfigError, EngineError
from pmsgan.styles.registry import Style


def save(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def test_a_graph_says_what_it_is(style: Style) -> None:
    info = read_graph(style.graph)
    assert (info.height, info.width) == (64, 64)
    assert info.side_multiple == 4
    assert info.sha256 == style.sha256["generator.onnx"]


def make_fixed(style: Style, path: Path, height: int = 64, width: int = 64) -> Path:
    """Write the style's graph as one of a single size, as pmsgan 0.1 wrote it."""
    model = onnx.load(style.graph)
    for value in (model.graph.input[0], model.graph.output[0]):
        dims = value.type.tensor_type.shape.dim
        dims[1].dim_value, dims[2].dim_value = height, width
    del model.metadata_props[:]
    return save(model, path)


def test_a_graph_is_read_at_any_multiple(style: Style) -> None:
    info = read_graph(style.graph, (96, 32))
    assert (info.height, info.width) == (96, 32)
    assert info.resized((64, 64)) == read_graph(style.graph)
    with pytest.raises(ConfigError, match="width 50 is not a multiple of 4: try 48"):
        read_graph(style.graph, (64, 50))


def test_a_graph_of_one_size_still_runs_at_that_size(
    style: Style, pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = make_fixed(style, tmp_path / "fixed.onnx")
    info = read_graph(path)
    assert (info.height, info.width, info.side_multiple) == (64, 64, None)
    assert read_graph(path, (64, 64)) == info
    with pytest.raises(
        EngineError,
        match=r"64x64, not 32x96: to let an older graph take any size, run pmsgan",
    ):
        read_graph(path, (96, 32))
    with (
        OpenVinoEngine(info, precision="fp32") as engine,
        OpenVinoEngine(read_graph(style.graph), precision="fp32") as dynamic,
    ):
        assert (engine.translate(pictures) == dynamic.translate(pictures)).all()


@pytest.mark.parametrize(
    "notes",
    [
        {},
        {"height": "64", "width": "64"},
        {"height": "64", "width": "50", "side_multiple": "4"},
        {"height": "64", "width": "64", "side_multiple": "0"},
        {"height": "64", "width": "wide", "side_multiple": "4"},
    ],
)
def test_a_graph_for_all_sizes_must_say_its_own(
    style: Style, tmp_path: Path, notes: dict[str, str]
) -> None:
    model = onnx.load(style.graph)
    helper.set_model_props(model, notes)
    with pytest.raises(EngineError, match="does not say its default size"):
        read_graph(save(model, tmp_path / "g.onnx"))


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot read"):
        read_graph(tmp_path / "missing.onnx")
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"\xff no onnx")
    with pytest.raises(EngineError, match="is not an ONNX file"):
        read_graph(path)


def external(tensor: TensorProto) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def test_data_in_another_file_is_refused_wherever_it_hides(style: Style, tmp_path: Path) -> None:
    model = onnx.load(style.graph)
    external(model.graph.initializer[3])
    with pytest.raises(EngineError, match="in another file"):
        read_graph(save(model, tmp_path / "initializer.onnx"))

    model = onnx.load(style.graph)
    hidden = helper.make_tensor("hidden", TensorProto.FLOAT, [1], [0.0])
    external(hidden)
    constant = helper.make_node("Constant", [], ["c"], value=hidden)
    inner = helper.make_graph([constant], "inner", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner))
    with pytest.raises(EngineError, match="'hidden' in another file"):
        read_graph(save(model, tmp_path / "nested.onnx"))


def test_a_graph_with_functions_is_refused(style: Style, tmp_path: Path) -> None:
    model = onnx.load(style.graph)
    model.functions.add(name="f", domain="d")
    with pytest.raises(EngineError, match="functions of its own"):
        read_graph(save(model, tmp_path / "g.onnx"))


@pytest.mark.parametrize(
    ("kind", "shape_in", "shape_out", "reason"),
    [
        (TensorProto.FLOAT, ["N", 8, 8, 3], ["N", 8, 8, 3], "is not a deployment graph"),
        (TensorProto.UINT8, ["N", 8, 8, 3], ["N", 8, 4, 3], "has pictures of shape"),
        (TensorProto.UINT8, ["N", 8, 8, 1], ["N", 8, 8, 1], "has pictures of shape"),
        (TensorProto.UINT8, ["N", "H", "W", 3], ["N", "H", "V", 3], "has pictures of shape"),
        (TensorProto.UINT8, ["N", "H", "W", 3], ["N", "H", "W", 3], "say its default size"),
    ],
)
def test_other_graphs_are_refused(
    tmp_path: Path, kind: int, shape_in: list[object], shape_out: list[object], reason: str
) -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["translated"])],
        "other",
        [helper.make_tensor_value_info("image", kind, shape_in)],
        [helper.make_tensor_value_info("translated", kind, shape_out)],
    )
    with pytest.raises(EngineError, match=reason):
        read_graph(save(helper.make_model(graph), tmp_path / "other.onnx"))
