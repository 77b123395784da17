"""All engines that can run here, compared."""

import itertools
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pmsgan.batch.comparison import baseline as baseline_module
from pmsgan.batch.comparison import child as child_module
from pmsgan.batch.comparison.child import ComparisonProcess, Contender
from pmsgan.batch.comparison.workload import Workload
from pmsgan.batch.settings import ConvertSettings, Parallelism
from pmsgan.benchmark import ceilings, run
from pmsgan.benchmark import work as work_module
from pmsgan.benchmark.ceilings import Ceilings
from pmsgan.benchmark.compare import compare_reports
from pmsgan.benchmark.config import PEERS, BenchmarkConfig
from pmsgan.benchmark.files import write_benchmark
from pmsgan.benchmark.peer import open_peer
from pmsgan.benchmark.resnet import ResNet
from pmsgan.benchmark.row import Latency, Row
from pmsgan.benchmark.run import run_benchmark
from pmsgan.benchmark.table import markdown_table, text_table
from pmsgan.benchmark.u2net import U2Net
from pmsgan.benchmark.work import (
    OWN_NETWORK,
    Work,
    count_gflop,
    count_gvalues,
    examine_work,
)
from pmsgan.engine import open as open_module
from pmsgan.engine.interface import EngineCosts
from pmsgan.errors import ConfigError, EngineError, PmsganError
from pmsgan.export.style_folder import write_style
from pmsgan.install import install_command
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.generator import Generator
from pmsgan.model.unet import UNet
from pmsgan.spread import Spread
from pmsgan.styles.registry import Style, read_style

WORK = Work(
    network_gflop={OWN_NETWORK: 2.0},
    network_gvalues={OWN_NETWORK: 0.5},
    ceilings=Ceilings(matrix_gflop_per_s={"fp32": 1e4, "bf16": 2e4}),
)
RATE = Spread.of([10.0])


class InProcess:
    """Takes the place of a child process, which imports torch for seconds."""

    def __init__(self, opener: Callable[..., AbstractContextManager[Any]], *args: object) -> None:
        self._opened = opener(*args)

    def __enter__(self) -> None:
        self._object = self._opened.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._opened.__exit__(None, None, None)

    def call(self, method: str, *args: object) -> Any:
        return getattr(self._object, method)(*args)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Spare child processes, large matrices and slow rounds, which few tests are about."""
    num_threads = torch.get_num_threads()
    monkeypatch.setattr(child_module, "ChildProcess", InProcess)
    monkeypatch.setattr(run, "examine_work", lambda config, sizes, threads: [WORK] * len(sizes))
    monkeypatch.setattr(baseline_module, "RUN_S", 0.0)
    monkeypatch.setattr(run, "SINGLE_S", 0.01)
    yield
    torch.set_num_threads(num_threads)


@pytest.mark.usefixtures("quick")
def test_all_sizes_and_batches_are_measured(style: Style, tmp_path: Path) -> None:
    config = BenchmarkConfig(
        sizes=(64, 32), batches=(1, 2), contenders=("openvino", "eager"), num_rounds=2,
        num_threads=1,
    )  # fmt: skip
    result = run_benchmark(style, config)
    assert result.missing == ()
    cases = [(row.size, row.batch) for row in result.rows if row.speedup is None]
    assert cases == [("64x64", 1), ("64x64", 2), ("32x32", 1), ("32x32", 2)]
    engine, eager = result.rows[:2]
    assert engine.title.startswith("openvino, ")
    assert eager.title == "eager, fp32"
    assert engine.accuracy is not None
    assert engine.accuracy.psnr_db > 35
    assert eager.speedup is not None
    assert eager.speedup.low <= eager.speedup.median <= eager.speedup.high
    assert eager.gflop_per_s == pytest.approx(2.0 * eager.in_memory.median)
    assert eager.matrix_share == pytest.approx(2.0 * eager.in_memory.median / 1e4)
    for row in result.rows:
        assert row.latency is not None
        assert 0 < row.latency.p50_ms <= row.latency.p95_ms <= row.latency.p99_ms
    write_benchmark(result, tmp_path)
    assert json.loads((tmp_path / "bench.json").read_text())["kind"] == "benchmark"
    page = (tmp_path / "bench.md").read_text()
    assert page.count("\n## ") == 4
    assert "| eager, fp32 |" in page
    assert "32x32, batch 2" in result.to_text()
    assert (tmp_path / "bench.svg").read_text().count("eager, fp32") >= 1
    assert compare_reports(tmp_path / "bench.json", tmp_path / "bench.json").unmatched == ()


@pytest.mark.usefixtures("quick")
def test_what_cannot_run_here_or_fails_is_named(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = run.measure_against
    titles = []

    def fail(engine: object, contender: Contender, *arguments: object, **options: object) -> object:
        titles.append(contender.title)
        if contender.is_compiled:
            raise EngineError("no compiler")
        return real(engine, contender, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "measure_against", fail)
    monkeypatch.setattr(baseline_module, "RUN_S", 0.0)
    config = BenchmarkConfig(
        num_rounds=2,
        contenders=("tensorrt", "openvino", "eager", "torch-compile", "pix2pix", "cyclegan"),
    )
    result = run_benchmark(style, config)
    first_round = titles[: len(result.rows)]  # one for the first row, which is no contender
    compiled = next(title for title in titles if "compile" in title)
    assert titles == [*first_round, *(title for title in first_round if title != compiled)]
    reasons = {it.title: it.reason for it in result.missing}
    assert reasons["tensorrt"].startswith("no NVIDIA GPU")
    assert reasons["pix2pix"] == "its pictures have sides that are multiples of 256"
    failed = [it for it in result.missing if it.is_failure]
    assert [it.reason for it in failed] == ["no compiler"]
    assert "not measured: pix2pix: its pictures" in result.to_text()
    assert {"openvino, fp32", "cyclegan, eager, fp32"} <= {row.title for row in result.rows}


def test_what_is_measured_is_said_before(
    style: Style, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []

    def examine(*arguments: object) -> list[Work]:
        said.append(caplog.messages[-1])
        return [WORK]

    def measure(*arguments: object, **options: object) -> object:
        said.append(caplog.messages[-1])
        raise EngineError("not measured here")

    monkeypatch.setattr(run, "examine_work", examine)
    monkeypatch.setattr(run, "measure_against", measure)
    caplog.set_level(logging.INFO, "pmsgan")
    config = BenchmarkConfig(contenders=("openvino", "eager", "cyclegan"), batches=(2,))
    run_benchmark(style, config)
    number = len(said) - 1
    assert said[0] == "measuring the rates that no engine on this machine can exceed"
    assert said[1] == f"measuring eager, fp32 at 64x64, batch 2 (1 of {3 * number})"
    places = [re.fullmatch(r"measuring .* \((\d+) of \d+\)", line) for line in said[1:]]
    assert [place and int(place[1]) for place in places] == [*range(1, number + 1)]
    assert any(line.startswith("measuring cyclegan, eager, fp32 at 64x64") for line in said)


def test_without_torch_only_the_rest_is_measured(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = open_module.importlib.util.find_spec
    monkeypatch.setattr(
        open_module.importlib.util,
        "find_spec",
        lambda name: None if name == "torch" else real(name),
    )
    monkeypatch.setattr(baseline_module, "RUN_S", 0.0)
    monkeypatch.setattr(
        run, "_contenders", lambda *arguments: [Contender(backend="openvino", precision="fp32")]
    )
    result = run_benchmark(style, BenchmarkConfig(num_rounds=1, sizes=(32,)))
    assert {it.title for it in result.missing} >= {"eager", "torch-compile", *PEERS, "GFLOP/s"}
    assert result.rows[0].accuracy is None
    assert result.rows[0].gflop_per_s is None
    assert install_command("train") in result.to_markdown()
    assert {row.size for row in result.rows} == {"32x32"}


@pytest.mark.usefixtures("quick")
def test_a_user_s_own_pictures_are_taken(style: Style, in_dir: Path, tmp_path: Path) -> None:
    config = BenchmarkConfig(contenders=("openvino", "eager"), num_rounds=1)
    assert run_benchmark(style, config, in_dir).rows
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no picture"):
        run_benchmark(style, config, tmp_path / "empty")
    with pytest.raises(EngineError, match="none of the backends to measure can run here"):
        run_benchmark(style, replace(config, contenders=("tensorrt",)))
    with pytest.raises(EngineError, match="add a backend to compare the others with"):
        run_benchmark(style, replace(config, contenders=("pix2pix",)))


@pytest.mark.parametrize(
    "wrong",
    [{"sizes": (0,)}, {"batches": (4, -1)}, {"num_rounds": 0}, {"num_threads": 0},
     {"contenders": ("openvino", "cuda")}],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        BenchmarkConfig(**wrong)  # type: ignore[arg-type]


def test_what_cannot_be_written_is_named(tmp_path: Path, style: Style) -> None:
    (tmp_path / "file").touch()
    result = run.Benchmark(
        baseline="eager",
        style="x",
        machine=run.examine_machine(),
        config=BenchmarkConfig(),
        rows=(),
        missing=(),
    )
    with pytest.raises(PmsganError, match="cannot write to"):
        write_benchmark(result, tmp_path / "file")


@pytest.mark.parametrize(
    ("network", "num_parameters", "gflop"),
    [(UNet, 54_414_531, 24.2), (ResNet, 11_378_179, 198), (U2Net, 44_009_869, 150)],
)
def test_the_peers_are_as_large_as_those_of_their_papers(
    network: type[torch.nn.Module], num_parameters: int, gflop: float
) -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        peer = network()
        (result,) = peer.eval()(torch.empty(1, 3, 512, 256))
    assert result.shape == (1, 3, 512, 256)
    assert sum(parameter.numel() for parameter in peer.parameters()) == num_parameters
    assert counter.get_total_flops() / 1e9 == pytest.approx(gflop, rel=0.01)


def test_a_peer_is_measured_like_any_contender(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    words = {"input_kind": "a", "output_kind": "b", "origin": {}}
    write_style(make_generator(), tmp_path / "large", height=256, width=256, **words)  # type: ignore[arg-type]
    pictures = np.zeros((1, 256, 256, 3), np.uint8)
    workload = Workload(
        style=read_style(tmp_path / "large"), settings=ConvertSettings(), jobs=(),
        parallelism=Parallelism(readers=1, writers=1, slots=4), pictures=pictures,
    )  # fmt: skip
    contender = Contender(backend="eager", precision="fp32", network="pix2pix", open=open_peer)
    assert contender.title == "pix2pix, eager, fp32"
    with ComparisonProcess(contender, workload, max_batch=1, num_threads=1) as process:
        assert process.translate(1) > 0
        assert process.results().shape == pictures.shape


def test_the_parent_of_the_peer_needs_no_torch() -> None:
    code = "import pmsgan.benchmark.run, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_work_is_counted_as_by_hand() -> None:
    config = GeneratorConfig(base_channels=4)
    # Its stride-2 convolutions, then its transposed ones: 2 * 16 for 4x4 taps.
    widths = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    down = sum(
        (256 >> level) ** 2 * before * after
        for level, (before, after) in enumerate(itertools.pairwise(widths), 1)
    )
    up = sum(
        (256 >> level) ** 2 * widths[level] * (1 if level == 8 else 2) * (widths[level - 1])
        for level in range(8, 0, -1)
    )
    counted = count_gflop(config, 256, 256)
    assert counted["pix2pix"] == pytest.approx(32 * (down + up) / 1e9)
    assert counted[OWN_NETWORK] == pytest.approx(
        4 * count_gflop(config, 128, 128)[OWN_NETWORK], rel=0.01
    )
    assert list(count_gflop(config, 64, 64)) == [OWN_NETWORK, "cyclegan", "u2net"]
    assert list(count_gflop(config, 36, 64)) == [OWN_NETWORK, "cyclegan"]


def test_the_machine_s_matrix_rate_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "NUM_PRODUCTS", 1)
    monkeypatch.setattr(ceilings, "CPU_SIDE", 256)
    config = GeneratorConfig(base_channels=4)
    with monkeypatch.context() as patch:
        patch.setattr(work_module, "call_in_child", lambda call, *given: call(*given))
        small, large = examine_work(config, [(64, 64), (128, 64)], None)
    assert 0 < small.network_gflop[OWN_NETWORK] < large.network_gflop[OWN_NETWORK]
    assert small.ceilings is large.ceilings
    assert min(small.ceilings.matrix_gflop_per_s.values()) > 0
    with pytest.raises(EngineError, match="the work cannot be counted"):
        examine_work(config, [(-64, 64)], 1)
    assert ceilings._torch_rate("fp32", "cpu", 64) > 0
    assert ceilings._openvino_rate("fp32", 64, 1) > 0


@pytest.mark.parametrize("has_bf16", [False, True])
def test_a_precision_that_the_cpu_lacks_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool
) -> None:
    monkeypatch.setattr(ceilings, "computes_bf16", lambda: has_bf16)
    monkeypatch.setattr(ceilings, "_torch_rate", lambda name, device, side: 1.0)
    monkeypatch.setattr(ceilings, "_openvino_rate", lambda name, side, num_threads: 2.0)
    expected = {"fp32": 2.0, "bf16": 2.0} if has_bf16 else {"fp32": 2.0}
    assert ceilings.matrix_rates(None) == expected


def test_the_numbers_of_convolutions_are_counted_as_their_modules_have_them() -> None:
    num_values = 0

    def add(module: torch.nn.Module, inputs: tuple[torch.Tensor], result: torch.Tensor) -> None:
        nonlocal num_values
        weights = sum(weight.numel() for weight in module.parameters())
        num_values += inputs[0].numel() + weights + result.numel()

    with torch.device("meta"):
        network = UNet().eval()
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                module.register_forward_hook(add)
        network(torch.empty(1, 3, 256, 256))
    counted = count_gvalues(GeneratorConfig(base_channels=4), 256, 256)
    assert counted["pix2pix"] == num_values / 1e9
    assert counted[OWN_NETWORK] > 0


def a_row(**figures: Any) -> Row:
    rate = Spread.of([10.0])
    usual = dict.fromkeys((field.name for field in fields(Row)), None)
    return Row(
        **usual | {"title": "tensorrt, fp16", "in_memory": rate, "files_to_files": rate} | figures
    )  # type: ignore[arg-type]


def test_a_column_without_a_figure_is_left_out() -> None:
    bare = a_row()
    assert markdown_table([bare], "eager")[0] == (
        "|  | pictures/s, in memory | ms/picture | pictures/s, files to files |"
    )
    costs = EngineCosts(build_s=84.0, file_bytes=9_200_000, gpu_bytes=256 << 20)
    latency = Latency(count=100, p50_ms=1.5, p95_ms=2.0, p99_ms=4.0)
    full = a_row(memory_share=0.25, costs=costs, latency=latency)
    names, _, first, second = markdown_table([full, bare], "eager")
    assert names.endswith(
        "| latency of single pictures, ms: median | 95 % | 99 % | of the memory's bandwidth "
        "| build, s | engine, MB | GPU memory, MiB |"
    )
    assert first.endswith("| 1.50 | 2.00 | 4.00 | 25% | 84.0 | 9.20 | 256 |")
    assert second.endswith("|  |  |  |  |  |  |  |")
    assert text_table([full])[-1].split()[-4:] == ["10.0", "10.0", "1.50", "25%"]


def test_the_share_of_the_bandwidth_follows_from_the_precision(
    style: Style, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = Ceilings(matrix_gflop_per_s={}, memory_gb_per_s=1000.0)
    monkeypatch.setattr(run, "examine_work", lambda *arguments: [replace(WORK, ceilings=rates)])
    config = BenchmarkConfig(num_rounds=1, contenders=("openvino", "eager"), num_threads=1)
    for row in run_benchmark(style, config).rows:
        num_bytes = 4 if row.precision == "fp32" else 2
        assert row.memory_share == pytest.approx(0.5e-3 * num_bytes * row.in_memory.median)
        assert row.matrix_share is None


def test_without_a_gpu_there_is_no_bandwidth(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ceilings, "count_gpus", lambda: 0)
    assert ceilings.memory_rate() is None
    monkeypatch.setattr(ceilings, "count_gpus", lambda: 1)
    monkeypatch.setattr(ceilings.importlib.util, "find_spec", lambda name: name)  # as if installed
    monkeypatch.setattr(ceilings, "_memory_rate", json.loads)  # which fails without arguments
    assert ceilings.memory_rate() is None
    assert "the bandwidth of the GPU's memory cannot be measured: TypeError" in caplog.text
