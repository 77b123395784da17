"""Fixtures of several tests: a tiny network, a tiny style, pictures, and no trace outside."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import filelock
import numpy as np
import onnx
import onnx.numpy_helper
import pytest
import torch
from numpy.typing import NDArray

from pmsgan.batch import run as run_module
from pmsgan.batch.comparison import baseline as baseline_module
from pmsgan.engine import open as open_module
from pmsgan.engine.gpu import count_gpus
from pmsgan.export import exporter
from pmsgan.export.deploy import DeploymentGraph
from pmsgan.export.deploy import trace as trace_network
from pmsgan.export.style_folder import write_style
from pmsgan.model.config import Ablation, GeneratorConfig
from pmsgan.model.generator import Generator
from pmsgan.styles.registry import Style, read_style

SIDE = 64


def tiny_generator(ablation: Ablation = "full", seed: int = 0, fold: int = 1) -> Generator:
    """A small network whose untrained output has contrast, as a trained one's has."""
    torch.manual_seed(seed)
    generator = Generator(
        GeneratorConfig(
            base_channels=4,
            num_residual_blocks=1,
            attention_reduction=1,
            ablation=ablation,
            fold=fold,
        )
    )
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.startswith(("to_rgb", "output.rgb")):
                parameter.mul_(4.0)
    return generator.eval()


@pytest.fixture(name="make_generator", scope="session")
def _make_generator() -> Callable[..., Generator]:
    return tiny_generator


@pytest.fixture(scope="session", autouse=True)
def user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep styles and caches of the tests away from those of the user."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        yield home


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run have in common."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def trace_once(shared_folder: Path) -> Iterator[None]:
    """Trace each network once, which takes seconds, and later put other weights into its graph.

    The exporter compares each graph with PyTorch, so a graph with wrong weights would be refused.
    """

    def trace(graph: DeploymentGraph) -> SimpleNamespace:
        key = repr((graph.generator.config, graph.dtype))
        path = shared_folder / f"{hashlib.sha256(key.encode()).hexdigest()}.onnx"
        with filelock.FileLock(f"{path}.lock"):
            if not path.exists():
                onnx.save(trace_network(graph).model_proto, path)
        model = onnx.load(path)
        weights = graph.state_dict()
        for tensor in model.graph.initializer:
            if tensor.name in weights:
                values = weights[tensor.name].contiguous().numpy()
                tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
        return SimpleNamespace(model_proto=model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "trace", trace)
        yield


@pytest.fixture
def without_trace_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace anew, for tests of the bytes that an export writes."""
    monkeypatch.setattr(exporter, "trace", trace_network)


@pytest.fixture
def patient_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the baseline wait for PyTorch on a machine that is busy, and then run shortly."""
    monkeypatch.setattr(run_module, "MIN_BASELINE_S", 300.0)
    monkeypatch.setattr(baseline_module, "RUN_S", 0.1)


@pytest.fixture(scope="session", autouse=True)
def without_gpu() -> Iterator[None]:
    """Let `auto` mean the same on every machine, whatever driver is there or stands in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_module, "count_gpus", lambda: 0)
        yield


@pytest.fixture(autouse=True)
def with_driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test that stands in for the driver, or wants a real one, find its GPUs."""
    if "driver" in request.fixturenames or request.node.get_closest_marker("gpu") is not None:
        monkeypatch.setattr(open_module, "count_gpus", count_gpus)


@pytest.fixture(scope="session")
def style(tmp_path_factory: pytest.TempPathFactory) -> Style:
    """A tiny style of 64x64 pictures."""
    folder = tmp_path_factory.mktemp("styles") / "tiny"
    write_style(
        tiny_generator(),
        folder,
        height=SIDE,
        width=SIDE,
        input_kind="sketch",
        output_kind="face",
        origin={"steps": 0},
    )
    return read_style(folder)


@pytest.fixture(scope="session")
def pictures() -> NDArray[np.uint8]:
    """Smooth colour with some noise, uint8 [9, 64, 64, 3] BGR."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (9, 4, 4, 3), dtype=np.uint8)
    smooth = np.stack([cv2.resize(picture, (SIDE, SIDE)) for picture in coarse])
    noise = rng.integers(-8, 9, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def in_dir(tmp_path: Path, pictures: NDArray[np.uint8]) -> Path:
    """A folder of nine pictures, three of them in a sub-folder."""
    folder = tmp_path / "in"
    (folder / "more").mkdir(parents=True)
    for index, picture in enumerate(pictures):
        place = folder / "more" if index >= 6 else folder
        cv2.imwrite(str(place / f"picture_{index}.png"), picture)
    return folder
