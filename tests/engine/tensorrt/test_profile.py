"""`pmsgan build-engine --profile`: the times of layers, and what TensorRT says of them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pmsgan.cli.app import app
from pmsgan.engine import open as open_module
from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.layer_times import Layer, LayerTimes
from pmsgan.engine.open import open_engine
from pmsgan.engine.tensorrt.open import open_on_gpu
from pmsgan.errors import EngineError
from pmsgan.styles.registry import Style


def build(style: Style, *options: str) -> Any:
    command = ["build-engine", "--style", str(style.folder), "--max-batch", "4", "--profile"]
    return CliRunner().invoke(app, [*command, *options])


@pytest.fixture
def tensorrt_alone(tensorrt: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setattr(
        open_module.importlib.util, "find_spec", lambda it: None if it == "tensorrt_rtx" else it
    )
    return tensorrt


@pytest.mark.usefixtures("tensorrt_alone")
def test_layers_are_shown_with_the_slowest_first(style: Style) -> None:
    told = build(style)
    assert told.exit_code == 0, told.output
    first, *table = told.stdout.splitlines()
    assert first.startswith("prepared ")
    assert table == [
        "3 layers take 3.500 ms for a batch of 4 (median of 50 batches):",
        "       ms  share  kind             layer",
        "    2.000  57.1%  CaskConvolution  conv 1",
        "    1.000  28.6%                   conv 2",
        "    0.500  14.3%  Norm             norm 1",
    ]


@pytest.mark.usefixtures("tensorrt_alone")
def test_the_profile_is_json_where_that_is_wanted(style: Style) -> None:
    told = json.loads(build(style, "--json").stdout)["layer_times"]
    assert (told["batch"], told["num_batches"], told["total_ms"]) == (4, 50, 3.5)
    assert [it["name"] for it in told["layers"]] == ["conv 1", "norm 1", "conv 2"]
    assert told["layers"][0]["details"] == {
        "Name": "conv 1", "LayerType": "CaskConvolution", "Inputs": [],
    }  # fmt: skip


def test_what_the_inspector_does_not_say_costs_no_times(
    graph: GraphInfo, tensorrt: SimpleNamespace
) -> None:
    tensorrt.fails.add("inspect")
    with open_on_gpu("tensorrt", graph) as engine:
        times = engine.time_layers(3)
    assert [(it.name, it.ms, it.kind) for it in times.layers] == [
        ("conv 1", 2.0, ""), ("norm 1", 0.5, ""), ("conv 2", 1.0, ""),
    ]  # fmt: skip


def test_an_engine_without_times_of_layers_is_an_error(
    graph: GraphInfo, tensorrt: SimpleNamespace
) -> None:
    tensorrt.layer_ms = {}
    with (
        open_on_gpu("tensorrt", graph) as engine,
        pytest.raises(EngineError, match="reports no layer times for this engine"),
    ):
        engine.time_layers(1)


def test_a_profiled_engine_goes_on_as_it_was(graph: GraphInfo, rtx: SimpleNamespace) -> None:
    rtx.launches = 9
    with open_on_gpu("tensorrt-rtx", graph) as engine:
        assert len(engine.time_layers(2).layers) == 3
        assert not rtx.has_graphs
        assert rtx.specialization == "EAGER"
        pictures = np.zeros((3, graph.height, graph.width, 3), np.uint8)
        assert (engine.translate(pictures) == 255).all()
        assert rtx.has_graphs
        assert rtx.specialization == "LAZY"


@pytest.mark.usefixtures("user_folders")
def test_layers_are_timed_by_tensorrt_on_the_gpu_that_is_here(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_module, "count_gpus", lambda: 0)
    told = build(style)
    assert told.exit_code == 2
    assert "only TensorRT can time its layers, and not openvino (no NVIDIA GPU" in told.stderr
    told = build(style, "--compute-capability", "8.9")
    assert told.exit_code == 2
    assert "--profile times layers on this machine's GPU" in told.stderr


def test_a_long_name_is_shortened_in_the_table_alone() -> None:
    layers = [Layer(name="start" + 100 * "+ node " + "end", ms=0.0)]
    times = LayerTimes(batch=1, num_batches=1, layers=layers)
    line = times.to_text().splitlines()[-1]
    assert len(line) < 120
    assert "start+ node" in line
    assert line.endswith("+ node end")
    assert times.to_json()["layers"][0]["name"] == layers[0].name


def test_an_engine_that_cannot_time_its_layers_says_so(style: Style, user_folders: Path) -> None:
    with (
        open_engine(style, backend="openvino") as engine,
        pytest.raises(EngineError, match=r"OpenVINO .* cannot time its layers"),
    ):
        engine.time_layers(1)
