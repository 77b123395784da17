"""Several workers on one GPU: real Ray and pycuda, on stand-ins for the driver and TensorRT."""

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cuda_driver
import numpy as np
import onnx
import pytest
from sessions import kill_session, processes_of_session
from trees import journal_names, tree, write_pictures

from pmsgan.engine.machine import count_cores
from pmsgan.styles.registry import DESCRIPTION_NAME, GRAPH_NAME, Style

NUM_PICTURES = 1000
STANDIN = Path(__file__).parents[2] / "engine/tensorrt/standin/tensorrt.py"
MODULE = f"""
import importlib.util, sys
sys.path.insert(0, {str(Path(cuda_driver.__file__).parent)!r})
from pathlib import Path
from cuda_driver import StandInDriver
spec = importlib.util.spec_from_file_location("standin_tensorrt", {str(STANDIN)!r})
standin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(standin)
driver = StandInDriver(Path(__file__).with_name("libcuda.so.1"))
globals().update(vars(standin.make_api(driver)))
"""
COMMAND = """
from pmsgan.batch.cluster import run
from pmsgan.cli.app import app
run.LEAST_PICTURES = 1
run.workers_per_gpu = lambda rate, cores: 2 if rate > 0 else 1
app()
"""
"""Measures the engine in a run of any length; whatever it can, two workers shall feed it."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where a process finds the stand-ins."""
    if sys.platform != "linux" or importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray, and looks for processes in /proc")
    if (reason := cuda_driver.missing()) is not None:
        pytest.skip(reason)
    if count_cores() < 2:
        pytest.skip("two workers need two cores")
    folder = tmp_path_factory.mktemp("standins")
    cuda_driver.build_driver(folder)
    (folder / "tensorrt.py").write_text(MODULE)
    found = {"LD_LIBRARY_PATH": str(folder), "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    return os.environ | found


@pytest.fixture(scope="module")
def negative(tmp_path_factory: pytest.TempPathFactory, style: Style) -> Path:
    """A style that gives 255 - x, as the stand-in for TensorRT does."""
    half, byte = onnx.TensorProto.FLOAT16, onnx.TensorProto.UINT8
    sides = ["N", style.height, style.width, 3]
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Cast", ["image"], ["x"], to=half),
            onnx.helper.make_node("Sub", ["white", "x"], ["y"]),
            onnx.helper.make_node("Cast", ["y"], ["translated"], to=byte),
        ],
        "negative",
        [onnx.helper.make_tensor_value_info("image", byte, sides)],
        [onnx.helper.make_tensor_value_info("translated", byte, sides)],
        [onnx.numpy_helper.from_array(np.array(255, np.float16), "white")],
    )
    folder = tmp_path_factory.mktemp("styles") / "negative"
    shutil.copytree(style.folder, folder)
    opsets = [onnx.helper.make_opsetid("", 18)]
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / GRAPH_NAME
    )
    description = folder / DESCRIPTION_NAME
    sha256 = hashlib.sha256((folder / GRAPH_NAME).read_bytes()).hexdigest()
    description.write_text(description.read_text().replace(style.sha256[GRAPH_NAME], sha256))
    return folder


@pytest.fixture
def convert(
    tmp_path: Path, negative: Path, environment: dict[str, str]
) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start the command on `in`, in a session of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(out: str, *options: str) -> "subprocess.Popen[str]":
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", COMMAND, "convert", "in", out, "--style", str(negative),
                 "--json", "--no-baseline", *options],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        kill_session(process.pid)
        process.communicate()


def report_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    report: dict[str, Any] = json.loads(out)
    assert report["engine"]["device"] == "Stand-in"
    return report


def count_results(folder: Path) -> int:
    """Count PNG files, while folders of drafts come and go."""
    return sum(name.endswith(".png") for _, _, names in os.walk(folder) for name in names)


def workers(process: "subprocess.Popen[str]") -> set[int]:
    """Return the processes that convert."""
    found = set()
    for each in processes_of_session(process.pid):
        with suppress(OSError):  # it has ended
            if b"_Mapper" in Path(f"/proc/{each}/cmdline").read_bytes():
                found.add(each)
    return found


def test_workers_share_a_gpu_and_one_may_be_killed(
    tmp_path: Path, convert: Callable[..., "subprocess.Popen[str]"]
) -> None:
    write_pictures(tmp_path / "in", NUM_PICTURES)
    report_of(convert("alone"))
    process = convert("out", "--devices", "0")
    while count_results(tmp_path / "out") < NUM_PICTURES // 4 or len(workers(process)) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    both = workers(process)
    assert len(both) == 2
    os.kill(min(both), signal.SIGKILL)
    report = report_of(process)
    assert [node["num_workers"] >= 2 for node in report["nodes"]] == [True]
    assert (report["pictures_done"], report["pictures_done_before"]) == (NUM_PICTURES, 0)
    assert tree(tmp_path / "out") == tree(tmp_path / "alone")
    names = journal_names(tmp_path / "out")
    assert len(names) == len(set(names)) == NUM_PICTURES
