import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from pmsgan.engine.accuracy import compare
from pmsgan.errors import ConfigError, ExportError
from pmsgan.export import exporter
from pmsgan.export.deploy import DeploymentGraph, GraphPrecision
from pmsgan.export.exporter import Exported, export_generator, export_style
from pmsgan.model.config import UNetConfig
from pmsgan.model.generator import Generator
from pmsgan.model.unet import UNet
from pmsgan.styles.registry import Style

SIDES = {"height": 48, "width": 64}


KINDS: list[tuple[int, GraphPrecision]] = [(1, "fp32"), (1, "fp16"), (2, "fp16")]
"""Folds, and precisions of graphs: one does not change what the other does."""


@pytest.fixture(scope="module", params=KINDS, ids=["plain-fp32", "plain-fp16", "folded-fp16"])
def kind(request: pytest.FixtureRequest) -> tuple[int, GraphPrecision]:
    found: tuple[int, GraphPrecision] = request.param
    return found


@pytest.fixture(scope="module")
def exported(
    kind: tuple[int, GraphPrecision],
    tmp_path_factory: pytest.TempPathFactory,
    generator: Generator,
) -> Exported:
    path = tmp_path_factory.mktemp("graph") / "tiny.onnx"
    return export_generator(generator, path, **SIDES, precision=kind[1], metadata={"style": "tiny"})


@pytest.fixture(scope="module")
def generator(
    kind: tuple[int, GraphPrecision], make_generator: Callable[..., Generator]
) -> Generator:
    return make_generator(fold=kind[0])


@pytest.mark.parametrize("shape", [(1, 48, 64, 3), (2, 8, 8, 3), (5, 128, 24, 3), (1, 64, 192, 3)])
def test_onnx_runtime_agrees_with_torch(
    exported: Exported, generator: Generator, shape: tuple[int, ...]
) -> None:
    pictures = np.random.default_rng(shape[0]).integers(0, 256, shape, dtype=np.uint8)
    session = onnxruntime.InferenceSession(exported.path)
    (result,) = session.run(["translated"], {"image": pictures})
    with torch.no_grad():
        reference = DeploymentGraph(generator)(torch.from_numpy(pictures)).numpy()
    assert result.shape == pictures.shape
    assert result.dtype == np.uint8
    assert reference.std() > 5
    accuracy = compare(result, reference)
    if exported.precision == "fp32":
        assert accuracy.max_difference <= 1
    else:
        assert accuracy.psnr_db >= 40


def test_bytes_go_in_and_come_out_through_casts_alone(exported: Exported) -> None:
    """TensorRT asks this of a graph with uint8 on both sides."""
    graph = onnx.load(exported.path).graph
    assert [node.op_type for node in graph.node if "image" in node.input] == ["Cast"]
    assert [node.op_type for node in graph.node if "translated" in node.output] == ["Cast"]
    for value in (graph.input[0], graph.output[0]):
        assert value.type.tensor_type.elem_type == onnx.TensorProto.UINT8
        sides = value.type.tensor_type.shape.dim
        assert [side.dim_param for side in sides] == ["N", "height", "width", ""]
        assert sides[3].dim_value == 3


def test_fp16_is_a_property_of_the_graph(exported: Exported) -> None:
    kinds = {
        tensor.data_type
        for tensor in onnx.load(exported.path).graph.initializer
        if len(tensor.dims) == 4
    }
    half, single = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    assert kinds == {half if exported.precision == "fp16" else single}


def test_the_file_stands_alone_and_says_what_it_is(
    exported: Exported, generator: Generator
) -> None:
    assert [path.name for path in exported.path.parent.iterdir()] == ["tiny.onnx"]
    content = exported.path.read_bytes()
    assert b".py" not in content
    assert str(Path(__file__).parents[2]).encode() not in content
    model = onnx.load(exported.path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata == {
        "style": "tiny",
        "precision": exported.precision,
        "height": "48",
        "width": "64",
        "side_multiple": str(generator.config.side_multiple),
    }
    assert model.producer_name == "pmsgan"


def test_the_generator_is_left_as_it_was(generator: Generator, exported: Exported) -> None:
    assert {parameter.dtype for parameter in generator.parameters()} == {torch.float32}


def spoil(generator: Generator, name: str, factor: float) -> Generator:
    with torch.no_grad():
        dict(generator.named_parameters())[name].mul_(factor)
    return generator


@pytest.mark.parametrize(
    ("layer", "factor", "precision", "reason"),
    [
        ("output.rgb.weight", float("nan"), "fp32", "not finite"),
        ("output.rgb.weight", 0.0, "fp32", "one colour only"),
        ("encoders.0.0.weight", 1e7, "fp16", "beyond FP16's 65504"),
        ("encoders.0.0.weight", float("nan"), "fp16", "not finite"),
    ],
)
def test_a_graph_that_does_not_pass_is_not_kept(
    make_generator: Callable[..., Generator],
    tmp_path: Path,
    layer: str,
    factor: float,
    precision: GraphPrecision,
    reason: str,
) -> None:
    bad = spoil(make_generator(), layer, factor)
    with pytest.raises(ExportError, match=reason):
        export_generator(bad, tmp_path / "g.onnx", **SIDES, precision=precision, metadata={})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("precision", "noise", "reason"),
    [("fp32", 2, "differs from PyTorch by more than 1 grey level"), ("fp16", 12, "below 40 dB")],
)
def test_a_graph_that_differs_from_torch_is_not_kept(
    make_generator: Callable[..., Generator],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: GraphPrecision,
    noise: int,
    reason: str,
) -> None:
    generator = make_generator()

    def wrong(path: Path, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        right = exporter._run_torch(generator, pictures)[0].astype(int)
        signs = np.where(np.indices(right.shape).sum(axis=0) % 2, 1, -1)
        return np.clip(right + noise * signs, 0, 255).astype(np.uint8)

    monkeypatch.setattr(exporter, "_run_file", wrong)
    old = tmp_path / "g.onnx"
    old.write_text("the file of before")
    with pytest.raises(ExportError, match=reason):
        export_generator(generator, old, **SIDES, precision=precision, metadata={})
    assert old.read_text() == "the file of before"
    assert list(tmp_path.iterdir()) == [old]


def test_sides_are_checked_and_folders_must_exist(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    generator = make_generator()
    with pytest.raises(ConfigError, match="width 30"):
        export_generator(
            generator, tmp_path / "g", height=32, width=30, precision="fp32", metadata={}
        )
    with pytest.raises(ExportError, match="cannot write"):
        export_generator(
            generator, tmp_path / "no" / "g", height=32, width=32, precision="fp32", metadata={}
        )


def test_a_style_is_exported_again_from_its_weights(style: Style, tmp_path: Path) -> None:
    again = export_style(style, tmp_path / "again.onnx", precision="fp16")
    assert again.path.read_bytes() == style.graph.read_bytes()


def test_pix2pix_is_exported_like_pmsgan(tmp_path: Path) -> None:
    torch.manual_seed(0)
    unet = UNet(UNetConfig(base_channels=4))
    path = tmp_path / "unet.onnx"
    export_generator(unet, path, height=256, width=256, precision="fp16", metadata={})
    assert unet.training
    session = onnxruntime.InferenceSession(path)
    for shape in ((1, 256, 256, 3), (2, 512, 256, 3)):
        pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        (result,) = session.run(["translated"], {"image": pictures})
        with torch.no_grad():
            reference = DeploymentGraph(copy.deepcopy(unet))(torch.from_numpy(pictures)).numpy()
        assert compare(result, reference).psnr_db > 40
