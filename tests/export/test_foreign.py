"""Networks of others, written as public repositories write them, become styles."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import foreign
import numpy as np
import onnx
import onnxruntime
import pytest
from in_child import build_ahead
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16
from typer.testing import CliRunner, Result

from pmsgan.benchmark import run
from pmsgan.benchmark.config import BenchmarkConfig
from pmsgan.child import call_in_child
from pmsgan.cli.app import app
from pmsgan.engine.accuracy import check_pictures, compare
from pmsgan.engine.graph import read_graph
from pmsgan.engine.open import open_engine
from pmsgan.errors import ConfigError, EngineError, ExportError, StyleError
from pmsgan.export.foreign import importer
from pmsgan.export.foreign.build import build
from pmsgan.export.foreign.importer import Imported, import_onnx
from pmsgan.export.foreign.settings import ImportSettings
from pmsgan.styles.registry import read_style

Pixels = NDArray[np.uint8]
MAX_FP16 = 65504.0
_RANGES = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0), "0..255": (0.0, 255.0)}

EXPECTED = {
    "animegan2": ("nchw", "-1..1", "-1..1", 4),
    "animegan3": ("nhwc", "-1..1", "-1..1", 8),
    "cyclegan": ("nchw", "-1..1", "-1..1", 2),
    "pix2pix": ("nchw", "-1..1", "-1..1", None),
    "pix2pix_free": ("nchw", "-1..1", "-1..1", 32),
    "u2net": ("nchw", "0..1", "0..1", None),
    "bytes": ("nhwc", "0..255", "0..255", 2),
    "one": ("nchw", "0..1", "0..1", None),
    "levels": ("nchw", "0..255", "0..255", None),
    "overflowing": ("nchw", "-1..1", "-1..1", 2),
}
"""Layout, range of what goes in and of what comes out, and what sides are multiples of."""


@pytest.fixture(scope="module")
def in_this_process() -> Iterator[None]:
    """Import without a child process, which takes a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importer, "_build_in_child", build)
        yield


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write networks, each once."""
    folder = tmp_path_factory.mktemp("networks")

    def write(name: str) -> Path:
        path = folder / f"{name}.onnx"
        return path if path.exists() else foreign.write_network(name, folder)

    return write


@pytest.fixture(scope="module")
def imported(
    network: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, in_this_process: None
) -> Callable[[str], Imported]:
    """Import networks, each once."""
    folder, known = tmp_path_factory.mktemp("imported"), {}

    def get(name: str) -> Imported:
        if name not in known:
            known[name] = import_onnx(network(name), str(folder / name))
        return known[name]

    return get


def run_original(path: Path, name: str, pictures: Pixels) -> Pixels:
    """Translate by ONNX Runtime alone, with what the test knows of the network."""
    layout, range_in, range_out, _ = EXPECTED[name]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = session.get_inputs()[0]
    results = []
    for picture in pictures:
        values = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)[None]
        if feed.type != "tensor(uint8)":
            low, high = _RANGES[range_in]
            values = (low + (high - low) * (values / 255.0)).astype(np.float32)
        if layout == "nchw":
            values = np.transpose(values, (0, 3, 1, 2))
        (given, *_) = session.run(None, {feed.name: np.ascontiguousarray(values)})
        given = np.transpose(given, (0, 2, 3, 1)) if layout == "nchw" else given
        low, high = _RANGES[range_out]
        levels = np.rint(255.0 * (given[0].astype(np.float64) - low) / (high - low))
        rgb = np.broadcast_to(levels, (*levels.shape[:2], 3)).clip(0, 255).astype(np.uint8)
        results.append(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR))
    return np.stack(results).astype(np.uint8)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_network_is_imported_without_options(
    name: str, network: Callable[[str], Path], imported: Callable[[str], Imported]
) -> None:
    style = read_style(imported(name).folder)
    style.verify()
    built, (layout, range_in, range_out, multiple) = imported(name).built, EXPECTED[name]
    config = built.config
    assert (config.layout, config.range_in, config.range_out) == (layout, range_in, range_out)
    assert config.side_multiple == (multiple or 1)
    assert read_graph(style.graph).side_multiple == multiple
    assert built.is_batch_fixed == (name == "one")
    assert built.is_grey == (name == "u2net")
    assert bool(built.kept) == (name == "overflowing")
    size = (64, 64) if multiple is None else (64, 96)
    pictures = check_pictures(*size)
    wanted = run_original(network(name), name, pictures)
    with open_engine(style, size=size, backend="onnxruntime", max_batch=3) as engine:
        assert compare(engine.translate(pictures), wanted).max_difference <= 1
    with open_engine(style, size=size, backend="openvino", precision="fp32") as engine:
        assert compare(engine.translate(pictures), wanted).psnr_db >= 40


def test_the_fp16_graph_computes_in_fp16_but_where_that_overflows(
    imported: Callable[[str], Imported],
) -> None:
    folder = imported("overflowing").folder
    model = onnx.load(folder / "generator.onnx")
    kinds = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 4}
    assert kinds == {TensorProto.FLOAT16}
    inferred = onnx.shape_inference.infer_shapes(model).graph
    halves = {
        value.name
        for value in inferred.value_info
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16
    }
    for value in inferred.value_info:
        model.graph.output.append(value)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [value.name for value in inferred.value_info]
    found = session.run(names, {"image": check_pictures(64, 64)})
    largest = {
        name: np.abs(np.asarray(it, float)).max() for name, it in zip(names, found, strict=True)
    }
    assert max(largest.values()) > MAX_FP16
    assert max(largest[name] for name in halves) < MAX_FP16


def test_tensorrt_for_rtx_builds_networks_of_others_ahead(
    imported: Callable[[str], Imported],
) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")
    names = ("bytes", "one", "overflowing")
    graphs = [read_graph(imported(name).folder / "generator.onnx", (64, 64)) for name in names]
    # A process has one logger of TensorRT's, which tests of the builder read.
    plans = call_in_child(build_ahead, graphs)
    for name, plan in zip(names, plans, strict=True):
        assert plan.stat().st_size > 10_000
        plan.unlink()
        assert f"-batch{1 if name == 'one' else 2}-" in plan.name


@pytest.mark.usefixtures("in_this_process")
def test_options_overrule_what_is_found(network: Callable[[str], Path], tmp_path: Path) -> None:
    settings = ImportSettings(
        order="bgr", range_in="imagenet", range_out="0..1", size=128, scaling="tiles",
        precision="fp32",
    )  # fmt: skip
    style = read_style(import_onnx(network("cyclegan"), str(tmp_path / "s"), settings).folder)
    assert (style.height, style.width, style.scaling.mode) == (128, 128, "tiles")
    assert read_graph(style.graph).precision == "fp32"
    picture = check_pictures(64, 64)[1:2]
    values = (picture / 255.0 - [0.406, 0.456, 0.485]) / [0.225, 0.224, 0.229]
    session = onnxruntime.InferenceSession(network("cyclegan"))
    feed = values.transpose(0, 3, 1, 2).astype(np.float32)
    (given,) = session.run(None, {"input": feed})
    wanted = np.rint(given.transpose(0, 2, 3, 1) * 255.0).clip(0, 255).astype(np.uint8)
    with open_engine(style, size=(64, 64), backend="openvino", precision="fp32") as engine:
        assert compare(engine.translate(picture), wanted).psnr_db > 50


@pytest.mark.usefixtures("in_this_process")
def test_a_file_of_one_size_is_freed_and_its_other_outputs_are_found(
    network: Callable[[str], Path], tmp_path: Path
) -> None:
    free = import_onnx(network("pix2pix"), str(tmp_path / "a"), ImportSettings(multiple=32))
    assert free.built.config.side_multiple == 32
    with pytest.raises(
        ExportError, match="the fixed size 64x64: leave out --size, or make it dynamic with --mu"
    ):
        import_onnx(network("pix2pix"), str(tmp_path / "b"), ImportSettings(size=128))
    with pytest.raises(ExportError, match=r"no output 'mask': use one of output, "):
        import_onnx(network("u2net"), str(tmp_path / "c"), ImportSettings(output="mask"))
    other = onnx.load(network("u2net")).graph.output[1].name
    settings = ImportSettings(output=other, range_out="1..0")
    second = import_onnx(network("u2net"), str(tmp_path / "d"), settings)
    assert second.built.is_grey
    picture = check_pictures(64, 64)[1:2]
    values = np.float32(picture[..., ::-1].transpose(0, 3, 1, 2) / 255.0)
    (given,) = onnxruntime.InferenceSession(network("u2net")).run([other], {"input": values})
    wanted = np.repeat(np.rint(255.0 - 255.0 * given[0, 0])[None, ..., None], 3, axis=3)
    with open_engine(read_style(second.folder), backend="onnxruntime") as engine:
        assert compare(engine.translate(picture), wanted.astype(np.uint8)).max_difference <= 1
    with pytest.raises(ConfigError, match="size is 0"):
        ImportSettings(size=0)


@pytest.mark.usefixtures("in_this_process")
def test_a_network_in_half_precision_is_taken_as_it_is(
    network: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "half.onnx"
    onnx.save(convert_float_to_float16(onnx.load(network("cyclegan"))), path)
    imported = import_onnx(path, str(tmp_path / "s"))
    style = read_style(imported.folder)
    assert (imported.built.config.range_in, imported.built.kept) == ("-1..1", ())
    picture = check_pictures(64, 96)[1:2]
    wanted = run_original(network("cyclegan"), "cyclegan", picture)
    with open_engine(style, size=(64, 96), backend="openvino", precision="fp32") as engine:
        assert compare(engine.translate(picture), wanted).psnr_db > 40


@pytest.mark.usefixtures("in_this_process")
def test_data_beside_a_file_is_packed_in(tmp_path: Path) -> None:
    path = foreign.write_with_external_data("animegan2", tmp_path)
    folder = import_onnx(path, str(tmp_path / "s")).folder
    assert not onnx.load(folder / "generator_fp32.onnx").graph.initializer[0].external_data
    other = tmp_path / "other.onnx"
    for location, reason in (
        ("../weights.bin", "data is only read from a file beside it"),
        ("/etc/passwd", "data is only read from a file beside it"),
        ("link.bin", "data is only read from a file beside it"),
        ("missing.bin", "cannot read"),
        ("short.bin", "is shorter than"),
    ):
        (tmp_path / "short.bin").write_bytes(b"1")
        if not (tmp_path / "link.bin").is_symlink():
            (tmp_path / "link.bin").symlink_to(tmp_path / "weights.bin")
        data = path.read_bytes()
        model = onnx.load_model_from_string(data)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location
        other.write_bytes(model.SerializeToString())
        with pytest.raises(ExportError, match=reason):
            import_onnx(other, str(tmp_path / "t"))


def simple(
    *nodes: onnx.NodeProto,
    shape_in: tuple[object, ...] = (1, 3, "h", "w"),
    kind: int = TensorProto.FLOAT,
    extra_input: bool = False,
    **constants: object,
) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info("x", kind, shape_in)]
    if extra_input:
        values.append(helper.make_tensor_value_info("z", kind, shape_in))
    out = helper.make_tensor_value_info("y", kind, [None] * 4)
    weights = [numpy_helper.from_array(np.asarray(it), name) for name, it in constants.items()]
    graph = helper.make_graph(list(nodes), "g", values, [out], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


SAME = helper.make_node("Identity", ["x"], ["y"])
REFUSED = {
    "two inputs": (simple(SAME, extra_input=True), "takes 2 inputs (x, z): only one picture"),
    "grey": (simple(SAME, shape_in=(1, 1, "h", "w")), "pictures of 1 channels: it must be 3"),
    "alpha": (simple(SAME, shape_in=(1, "h", "w", 4)), "pictures of 4 channels: it must be 3"),
    "text": (simple(SAME, shape_in=(1, 77)), "takes float [1, 77]: only pictures are supported"),
    "less than nothing": (simple(SAME, shape_in=(1, 3, -5, -5)), "takes float [1, 3, -5, -5]"),
    "integers": (simple(SAME, kind=TensorProto.INT64), "takes of type 7 [1, 3, '?', '?']"),
    "eight at a time": (simple(SAME, shape_in=(8, 3, "h", "w")), "takes 8 pictures at a time"),
    "four times the size": (
        simple(
            helper.make_node("Resize", ["x", "", "s"], ["y"]), s=np.float32([1, 1, 4, 4])
        ),
        "becomes [1, 3, ",
    ),
    "one colour": (
        simple(helper.make_node("Mul", ["x", "n"], ["t"]), helper.make_node("Tanh", ["t"], ["y"]),
               n=np.float32(0)),
        "every result has only one colour",
    ),
    "odd values": (
        simple(helper.make_node("Mul", ["x", "n"], ["y"]), n=np.float32(1e4)),
        "give --range-in and --range-out",
    ),
    "not finite": (
        simple(helper.make_node("Mul", ["x", "n"], ["t"]), helper.make_node("Exp", ["t"], ["e"]),
               helper.make_node("Tanh", ["e"], ["y"]), n=np.float32(1e3)),
        "values are not finite",
    ),
    "large": (
        simple(helper.make_node("Tile", ["x", "r"], ["y"]), r=np.array([1, 1, 10**5, 10**5])),
        "makes a tensor of ",
    ),
}  # fmt: skip


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_such_network_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    model, reason = REFUSED[name]
    path = tmp_path / "x.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises((ExportError, EngineError), match=re.escape(reason)) as caught:
        import_onnx(path, str(tmp_path / "s"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s").exists()
    assert [it.name for it in tmp_path.iterdir()] == ["x.onnx"]


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_style_of_a_network_of_others_works_like_any(
    network: Callable[[str], Path],
    tmp_path: Path,
    in_dir: Path,
    patient_baseline: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "painted"
    result = command("styles", "import", network("animegan2"), "--name", folder, "--size", 64)
    assert result.exit_code == 0, result.output
    assert "range out -1..1                   from the file: Tanh at its end" in result.stdout
    result = command("styles", "import", network("animegan2"), "--name", folder)
    assert result.exit_code == 3
    assert "already: remove it, or give another --name" in result.stderr
    out = tmp_path / "out"
    result = command("convert", in_dir, out, "--style", folder)
    assert result.exit_code == 0, result.output
    assert "9 done, 0 failed" in result.stdout
    assert re.search(r"accuracy +to onnxruntime, fp32: largest difference", result.stdout)
    assert "Compared with ONNX Runtime</h2>" in (out / "report.html").read_text()
    assert "timing ONNX Runtime on some of the pictures" in result.stderr
    monkeypatch.setattr(run, "examine_work", lambda config, sizes, threads: [None])
    monkeypatch.setattr(run, "SINGLE_S", 0.01)
    measured = run.run_benchmark(
        read_style(folder),
        BenchmarkConfig(contenders=("openvino", "onnxruntime", "eager"), num_rounds=1),
    )
    assert [row.title for row in measured.rows][1] == "onnxruntime, fp32"
    assert measured.rows[0].accuracy is not None
    assert "eager: the style is an imported ONNX file" in measured.to_text()
    assert "PSNR: to ONNX Runtime in FP32" in measured.to_text()
    for words, reason in (
        (("export", folder), "an imported ONNX file"),
        (("styles", "update", folder), "cannot write its graph again"),
        (("convert", in_dir, tmp_path / "o", "--style", folder, "--backend", "eager"), "in eager"),
        (("train", in_dir, "--from", folder, "--out", tmp_path / "r"), "cannot train it further"),
    ):
        result = command(*words)
        assert result.exit_code == 2, result.output
        assert reason in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("net.pt2", "torch.onnx.export(torch.export.load("),
        ("net.pth", "give --from pix2pix or --from cyclegan"),
    ],
)
def test_files_for_pytorch_are_not_read(name: str, reason: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)  # reading it never ends
    result = command("styles", "import", tmp_path / name, "--name", tmp_path / "s")
    assert result.exit_code == 3
    assert reason in result.stderr.splitlines()[-1]


def test_an_existing_style_is_not_replaced(network: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    with pytest.raises(StyleError, match="exists and is not a style"):
        import_onnx(network("levels"), str(tmp_path / "s"))
