"""Graphs that could hang a runtime or fill its memory are refused before one sees them."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pmsgan.engine.graph import read_graph, size_notes
from pmsgan.engine.onnxruntime import OnnxRuntimeEngine
from pmsgan.engine.openvino import OpenVinoEngine
from pmsgan.errors import EngineError

Change = Callable[[onnx.ModelProto], object]


def graph(*nodes: onnx.NodeProto, **constants: object) -> onnx.ModelProto:
    """A deployment graph of 8x8 pictures that returns them; further nodes lead nowhere."""
    values = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, ["N", "height", "width", 3])
        for name in ("image", "translated")
    ]
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Identity", ["image"], ["translated"]), *nodes],
            "g",
            values[:1],
            values[1:],
            [numpy_helper.from_array(np.asarray(it), name) for name, it in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
    )
    helper.set_model_props(model, size_notes(8, 8, 1))
    return model


def branch(num_nodes: int) -> onnx.NodeProto:
    nodes = [helper.make_node("Identity", ["image"], [f"v{number}"]) for number in range(num_nodes)]
    inner = helper.make_graph(nodes, "inner", [], [])
    return helper.make_node("If", ["image"], ["y"], then_branch=inner, else_branch=inner)


def loop() -> onnx.NodeProto:
    body = helper.make_graph([], "body", [], [])
    return helper.make_node("Loop", ["trips"], ["y"], body=body)


def lying(dims: list[int], kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    model = graph()
    model.graph.initializer.add(name="w", dims=dims, data_type=kind, raw_data=b"1234")
    return model


def test_a_harmless_graph_is_read(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    path.write_bytes(graph(branch(16), w=np.ones(3, np.float32)).SerializeToString())
    assert (read_graph(path).height, read_graph(path).is_batch_fixed) == (8, False)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (graph(loop(), trips=np.int64(2**62)), "the operator Loop, which is not supported"),
        (graph(branch(17)), "an If of 34 operators"),
        (graph(helper.make_node("Scan", ["image"], ["y"])), "the operator Scan"),
        (graph(helper.make_node("Frobnicate", ["image"], ["y"])), "Frobnicate, which does not"),
        (graph(helper.make_node("Gelu", ["image"], ["y"], domain="com.microsoft")), "of com.micro"),
        (
            graph(helper.make_node("Identity", ["image"], ["y"], domain="\x1b[31m" * 99)),
            "only those of the ONNX standard",
        ),
        (
            graph(helper.make_node("ConstantOfShape", ["s"], ["y"]), s=np.array([10**6, 10**6])),
            "a tensor of 1000000x1000000 numbers",
        ),
        (
            graph(
                helper.make_node("Tile", ["image", "r"], ["y"]),
                r=np.array([1, 10**5, 10**5, 1]),
            ),
            "a tensor of 1x800000x800000x3 numbers",
        ),
        (
            graph(helper.make_node("Expand", ["x", "s"], ["y"]), x=np.zeros(1), s=[2**40]),
            "a tensor of 1099511627776 numbers",
        ),
        (lying([2**40, 2**20]), "has the size"),
        (lying([-1]), "has the size"),
        (lying([1] * 10**5), "has the size"),
        (lying([1000]), "holds 4 of the 4000 values"),
        (lying([1], TensorProto.STRING), "has the type 8"),
        (lying([1], 99), "has the type 99"),
    ],
)
def test_a_hostile_graph_is_refused(model: onnx.ModelProto, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EngineError, match=reason):
        read_graph(path)


def other_size(*, is_hidden: bool) -> onnx.ModelProto:
    """A graph that doubles the height of pictures, and says that it does not."""
    model = graph(twice=np.array([1, 2, 1, 1]))
    del model.graph.node[:]
    repeats = "twice"
    if is_hidden:  # by a step that shape inference does not follow
        model.graph.node.append(helper.make_node("NonZero", ["twice"], ["places"]))
        model.graph.node.append(helper.make_node("ReduceMax", ["places"], ["most"], keepdims=0))
        model.graph.node.append(helper.make_node("Min", ["twice", "most"], ["repeats"]))
        repeats = "repeats"
    model.graph.node.append(helper.make_node("Tile", ["image", repeats], ["translated"]))
    return model


def test_a_graph_that_gives_another_size_than_it_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    path.write_bytes(other_size(is_hidden=False).SerializeToString())
    with pytest.raises(EngineError, match=r"gives \[1, 16, 8, 3\] for a picture \[1, 8, 8, 3\]"):
        read_graph(path)
    path.write_bytes(other_size(is_hidden=True).SerializeToString())
    pictures = np.zeros((1, 8, 8, 3), np.uint8)
    for kind in (OpenVinoEngine, OnnxRuntimeEngine):
        with kind(read_graph(path)) as engine, pytest.raises(EngineError, match="pictures of"):
            engine.translate(pictures)


def test_a_sparse_tensor_is_refused(tmp_path: Path) -> None:
    model = graph()
    sparse = model.graph.sparse_initializer.add(dims=[2**40])
    sparse.values.CopyFrom(numpy_helper.from_array(np.zeros(1, np.float32), "w"))
    path = tmp_path / "g.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EngineError, match="sparse tensors"):
        read_graph(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe, device = tmp_path / "pipe.onnx", tmp_path / "zero.onnx"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device, tmp_path):
        with pytest.raises(EngineError, match="cannot read"):
            read_graph(path)
