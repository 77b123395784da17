"""Our graphs against a real TensorRT parser and builder: TensorRT for RTX needs no GPU for it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from pmsgan.cli.app import app
from pmsgan.engine import cache
from pmsgan.engine.accuracy import compare
from pmsgan.engine.graph import GraphInfo, read_graph
from pmsgan.engine.int8.calibration import Calibration
from pmsgan.engine.int8.quantise import measuring_graph
from pmsgan.engine.sealed import StaleFileError
from pmsgan.engine.tensorrt.build import BuildConfig, build_plan
from pmsgan.engine.tensorrt.open import build_for_capability
from pmsgan.engine.tensorrt.plan import (
    EnginePlan,
    EnginePlanKey,
    read_plan,
    write_plan,
)
from pmsgan.engine.tensorrt.product import PORTABLE, PRODUCTS, Library
from pmsgan.engine.widen import widen
from pmsgan.errors import ConfigError, EngineError
from pmsgan.export import exporter
from pmsgan.export.deploy import DeploymentGraph
from pmsgan.model.config import Ablation, GeneratorConfig
from pmsgan.model.generator import Generator
from pmsgan.styles.registry import GRAPH_NAME, Style, shipped_styles_folder

pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed: make .venv/dev")

CAPABILITIES = ["7.5", "8.0", "8.6", "8.9", "12.0", PORTABLE]


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(PRODUCTS["tensorrt-rtx"])


@pytest.fixture
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    return tmp_path


def build(library: Library, graph: bytes, name: str = "graph.onnx", **options: object) -> bytes:
    sizes = {"height": 64, "width": 64, "max_batch": 4, "half": True, "config": BuildConfig()}
    return build_plan(library, graph, name, **(sizes | {"capability": "8.9"} | options))[0]  # type: ignore[arg-type]


def traced(generator: Generator) -> bytes:
    program = exporter.trace(DeploymentGraph(generator.eval(), "fp16"))
    return bytes(program.model_proto.SerializeToString())


@pytest.mark.parametrize("ablation", ["single", "eff", "full"])
def test_the_graph_of_every_part_builds_in_fp16_and_fp32(
    library: Library, make_generator: Callable[..., Generator], ablation: Ablation
) -> None:
    """`eff` has the stand-ins of all parts that `full` has beyond it."""
    graph = traced(make_generator(ablation))
    for data in (graph, widen(graph)):
        assert len(build(library, data)) > 1000
    assert not library.log.lines


def test_the_graph_of_a_folded_network_builds_in_fp16_and_fp32(
    library: Library, make_generator: Callable[..., Generator]
) -> None:
    graph = traced(make_generator(fold=2))
    for data in (graph, widen(graph)):
        assert len(build(library, data)) > 1000
    assert not library.log.lines


def test_an_int8_graph_builds_beside_the_float_one(style: Style, cache_root: Path) -> None:
    graph = read_graph(style.graph)
    _, names = measuring_graph(graph.read())
    calibration = Calibration(
        graph_sha256=graph.sha256,
        num_pictures=1,
        pictures_sha256="",
        psnr_db=50.0,
        ranges=dict.fromkeys(names, 1.0),
    )
    in_int8 = replace(graph, calibration=calibration)
    paths = [build_for_capability(it, "8.9", precision="auto") for it in (graph, in_int8)]
    assert len(set(paths)) == 2
    assert "-int8-" in paths[1].name
    assert paths[1].stat().st_size > 1000


def test_plans_for_several_sizes_are_kept_side_by_side(style: Style, cache_root: Path) -> None:
    sizes = [(64, 64), (64, 96), (512, 256)]
    paths = [build_for_capability(read_graph(style.graph, size), "8.9") for size in sizes]
    assert len(set(paths)) == len(sizes)
    assert "-256x512-" in paths[-1].name
    for path in paths:
        assert path.stat().st_size > 1000


@pytest.mark.parametrize("name", ["anime", "comic"])
def test_a_graph_that_ships_builds_in_fp16_and_fp32(library: Library, name: str) -> None:
    graph = (shipped_styles_folder() / name / GRAPH_NAME).read_bytes()
    for data in (graph, widen(graph)):
        assert len(build(library, data)) > 1000
    assert not library.log.lines


@pytest.mark.soak
@pytest.mark.parametrize("base_channels", [16, 32])
def test_the_graph_of_real_widths_builds_in_fp16_and_fp32(
    library: Library, base_channels: int
) -> None:
    graph = traced(Generator(GeneratorConfig(base_channels=base_channels)))
    for data in (graph, widen(graph)):
        assert len(build(library, data)) > 1000
    assert not library.log.lines


def test_a_widened_graph_computes_the_same(
    style: Style, pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    graph = style.graph.read_bytes()
    wide = widen(graph)
    path = tmp_path / "wide.onnx"
    path.write_bytes(wide)
    assert read_graph(path).precision == "fp32"
    assert read_graph(style.graph).precision == "fp16"
    got, wanted = (
        onnxruntime.InferenceSession(data).run(None, {"image": pictures})[0]
        for data in (wide, graph)
    )
    assert compare(got, wanted).psnr_db > 50


def test_all_errors_of_the_parser_are_told_at_once(library: Library, style: Style) -> None:
    model = onnx.load(style.graph)
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    convolutions[3].op_type, convolutions[5].op_type = "NoSuch", "NorThis"
    with pytest.raises(EngineError) as caught:
        build(library, model.SerializeToString(), "broken.onnx")
    message = str(caught.value)
    assert message.startswith("TensorRT for RTX refuses broken.onnx: node ")
    for node in (convolutions[3], convolutions[5]):
        assert f"node {node.name} ({node.op_type})" in message
    with pytest.raises(EngineError, match=r"refuses half\.onnx"):
        build(library, style.graph.read_bytes()[:1000], "half.onnx")


def test_a_compute_capability_that_it_does_not_build_for_is_refused(
    library: Library, style: Style
) -> None:
    with pytest.raises(EngineError, match=r"builds for compute capability 7\.5, .* not for 9\.0"):
        build(library, style.graph.read_bytes(), capability="9.0")


CTRL_C_AT_EVERY_STEP = """
import os, signal
from pmsgan.bar import Bar
from pmsgan.cli.app import app

Bar.update = lambda bar, steps: os.kill(os.getpid(), signal.SIGINT)
app()
"""


def test_ctrl_c_ends_a_build(style: Style, user_folders: Path) -> None:
    command = ["build-engine", "--style", str(style.folder), "--compute-capability", "8.9"]
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C_AT_EVERY_STEP, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert not list((user_folders / "cache").rglob("tensorrt-rtx/*.*"))


@pytest.mark.parametrize("capability", ["89", "1.20", "newest"])
def test_a_capability_is_written_as_nvidia_writes_it(
    style: Style, cache_root: Path, capability: str
) -> None:
    with pytest.raises(EngineError, match=f"not for {capability}"):
        build_for_capability(read_graph(style.graph), capability)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_plans_are_kept_and_taken_from_the_cache(
    style: Style, cache_root: Path, capability: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = read_graph(style.graph)
    path = build_for_capability(graph, capability, max_batch=2)
    assert path.parent == cache_root / "tensorrt-rtx"
    assert path.stat().st_size > 1000
    monkeypatch.setattr("pmsgan.engine.tensorrt.open.build_plan", None)
    assert build_for_capability(graph, capability, max_batch=2) == path


def test_other_settings_of_the_builder_build_again(style: Style, cache_root: Path) -> None:
    graph = read_graph(style.graph)
    changed = []
    for config in (
        None,
        BuildConfig(optimization_level=1),
        BuildConfig(optimization_level=1),
        None,
    ):
        changed.append(build_for_capability(graph, "8.9", config=config).stat().st_mtime_ns)
    assert changed[0] < changed[1] == changed[2] == changed[3]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"workspace_mib": 0}, "workspace is 0 MiB"),
        ({"max_aux_streams": -1}, "max_aux_streams is -1"),
        ({"optimization_level": 6}, "optimization_level is 6"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, int], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        BuildConfig(**values)


def key_of(graph: GraphInfo) -> EnginePlanKey:
    return EnginePlanKey(
        graph_sha256=graph.sha256, product="tensorrt-rtx", version="1.7.1", capability="8.9",
        gpu="", driver=0, precision="fp16", height=64, width=64, max_batch=2,
    )  # fmt: skip


def test_a_plan_with_any_byte_flipped_is_refused(style: Style, cache_root: Path) -> None:
    key = key_of(read_graph(style.graph))
    rng = np.random.default_rng(0)
    path = write_plan(EnginePlan(rng.bytes(2000), BuildConfig(), checked=True), key)
    whole = path.read_bytes()
    header = whole.index(b"\n", whole.index(b"\n") + 1)
    places = [*range(header + 1), *rng.permutation(range(header + 1, len(whole)))[: 999 - header]]
    assert len(set(places)) == len(places) == 1000
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= int(rng.integers(1, 256))
        path.write_bytes(flipped)
        with pytest.raises(StaleFileError, match="is damaged"):
            read_plan(key)
    path.write_bytes(whole[:-1])
    with pytest.raises(StaleFileError, match="is damaged"):
        read_plan(key)
    path.write_bytes(whole)
    plan = read_plan(key)
    assert plan is not None and plan.checked
    assert whole.endswith(b"\n" + plan.data)


def _refuse(**values: object) -> None:
    raise TypeError("unexpected keyword argument")


def test_a_plan_for_something_else_is_refused_by_name(
    style: Style, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(read_graph(style.graph))
    assert read_plan(key) is None
    path = write_plan(EnginePlan(b"plan", BuildConfig(), checked=False), key)
    other = replace(key, version="1.8.0", driver=13010)
    assert read_plan(other) is None  # its name has the version
    shutil.copy(path, path.with_name(other.file_name))
    with pytest.raises(
        StaleFileError,
        match=r"was built for version '1\.7\.1', not '1\.8\.0'; driver 0, not 13010",
    ):
        read_plan(other)
    monkeypatch.setattr("pmsgan.engine.tensorrt.plan.BuildConfig", _refuse)
    with pytest.raises(StaleFileError, match="by another version of pmsgan"):
        read_plan(key)
    path.unlink()
    path.mkdir()
    with pytest.raises(EngineError, match="cannot read the engine"):
        read_plan(key)
    with pytest.raises(EngineError, match="cannot write the engine"):
        write_plan(EnginePlan(b"plan", BuildConfig(), checked=False), key)


def test_build_engine_builds_for_a_gpu_that_is_not_here(style: Style, cache_root: Path) -> None:
    command = [
        "build-engine", "--style", str(style.folder), "--fp16", "--backend", "tensorrt-rtx",
        "--compute-capability", "8.9",
    ]  # fmt: skip
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    (plan,) = (cache_root / "tensorrt-rtx").glob("*-fp16-64x64-batch8-sm8.9*.plan")
    assert result.stdout.rstrip().endswith(str(plan))
    single = CliRunner().invoke(app, [*command, "--fp32"])
    assert single.exit_code == 0, single.output
    assert len(list((cache_root / "tensorrt-rtx").glob("*-fp32-64x64-batch8-sm8.9*.plan"))) == 1
    for size, name in (("128", "128x128"), ("64x96", "64x96")):
        sized = CliRunner().invoke(app, [*command, "--size", size])
        assert sized.exit_code == 0, sized.output
        assert f"-fp16-{name}-batch8-" in sized.stdout
    wrong = CliRunner().invoke(app, [*command, "--backend", "openvino"])
    assert wrong.exit_code == 2
    assert "use --backend tensorrt-rtx" in wrong.stderr
