"""Fixtures of several tests: a tiny network, a tiny style, pictures, and no trace outside."""

import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.batch import run as run_module
from pmsgan.batch.comparison import baseline as baseline_module
from pmsgan.engine import open as open_module
from pmsgan.engine import trial
from pmsgan.engine.gpu import count_gpus
from pmsgan.styles.registry import Style, read_style

SIDE = 64

HAS_TORCH = importlib.util.find_spec("torch") is not None
collect_ignore = [] if HAS_TORCH else ["evaluation"]


class ModuleOfTests(pytest.Module):
    """A module of tests, which is skipped where PyTorch is absent and it imports what is absent."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Import the module, and list its tests."""
        try:
            return super().collect()
        except self.CollectError as error:
            cause = error.__cause__
            if HAS_TORCH or not isinstance(cause, ModuleNotFoundError):
                raise
            pytest.skip(f"needs {cause.name}: make .venv/dev", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    """Make a module of tests of a file."""
    return ModuleOfTests.from_parent(parent, path=module_path)


@contextmanager
def skipping_what_is_absent() -> Iterator[None]:
    """Skip a test that imports what is absent, where PyTorch is absent."""
    try:
        yield
    except ModuleNotFoundError as error:
        if HAS_TORCH:
            raise
        pytest.skip(f"needs {error.name}: make .venv/dev")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    """Set a test's fixtures up."""
    with skipping_what_is_absent():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Run a test."""
    with skipping_what_is_absent():
        return (yield)


@pytest.fixture
def needs_torch() -> None:
    """Skip a test of a command that says that PyTorch is absent."""
    pytest.importorskip("torch")


@pytest.fixture(name="make_generator", scope="session")
def _make_generator() -> Callable[..., Any]:
    return pytest.importorskip("tiny_networks").tiny_generator


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
    """Trace each network once."""
    if not HAS_TORCH:
        yield
        return
    from tiny_networks import traced_once

    with traced_once(shared_folder):
        yield


@pytest.fixture
def without_trace_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace anew, for tests of the bytes that an export writes."""
    from pmsgan.export import exporter
    from pmsgan.export.deploy import trace as trace_network

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


@pytest.fixture(scope="session", autouse=True)
def time_for_an_old_process() -> Iterator[None]:
    """Give what is bounded in a process of its own more time in this one.

    The kernel enforces the limit by a coarser count of CPU time than it reports. In a process of
    several minutes it has ended a test that takes 0.1 s, and all tests with it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial, "OPEN_S", 60.0)
        yield


@pytest.fixture(autouse=True)
def with_driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test that stands in for the driver, or wants a real one, find its GPUs."""
    if "driver" in request.fixturenames or request.node.get_closest_marker("gpu") is not None:
        monkeypatch.setattr(open_module, "count_gpus", count_gpus)


@pytest.fixture(scope="session")
def style(tmp_path_factory: pytest.TempPathFactory) -> Style:
    """A tiny style of 64x64 pictures."""
    networks = pytest.importorskip("tiny_networks")
    from pmsgan.export.style_folder import write_style

    folder = tmp_path_factory.mktemp("styles") / "tiny"
    write_style(
        networks.tiny_generator(),
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
    """A folder of nine pictures, three of them in a subfolder."""
    folder = tmp_path / "in"
    (folder / "more").mkdir(parents=True)
    for index, picture in enumerate(pictures):
        place = folder / "more" if index >= 6 else folder
        cv2.imwrite(str(place / f"picture_{index}.png"), picture)
    return folder
