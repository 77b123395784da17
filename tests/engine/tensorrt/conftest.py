"""The real pycuda and a stand-in for TensorRT, on a stand-in for the driver or on a real GPU."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from cuda_driver import RealDriver, StandInDriver, build_driver, missing
from numpy.typing import NDArray

from pmsgan.engine import cache
from pmsgan.engine.gpu import count_gpus
from pmsgan.engine.graph import GraphInfo, read_graph
from pmsgan.engine.tensorrt import check, product

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def driver_library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if count_gpus() and importlib.util.find_spec("pycuda") is not None:
        return RealDriver()
    if (reason := missing()) is not None:
        if os.environ.get("PMSGAN_NEEDS_PYCUDA"):
            pytest.fail(reason)
        pytest.skip(reason)
    return StandInDriver(build_driver(tmp_path_factory.mktemp("driver")))


@pytest.fixture
def driver(driver_library: Any) -> Iterator[Any]:
    """The driver, without faults and with plenty of memory; all of it is given back."""
    driver_library.reset()
    violations = driver_library.num_violations
    assert driver_library.num_live == 0
    yield driver_library
    assert driver_library.num_live == 0
    assert driver_library.num_violations == violations
    driver_library.reset()


@pytest.fixture(scope="session")
def standin() -> ModuleType:
    """The module `standin/tensorrt.py`."""
    path = HERE / "standin" / "tensorrt.py"
    spec = importlib.util.spec_from_file_location("standin_tensorrt", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def api(driver: Any, standin: ModuleType) -> SimpleNamespace:
    """A stand-in for the module `tensorrt`."""
    return standin.make_api(driver)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> GraphInfo:
    """A graph in FP16 that gives 255 - x for pictures of 64x64, as the stand-in does."""
    half, byte = onnx.TensorProto.FLOAT16, onnx.TensorProto.UINT8
    sides = ["N", 64, 64, 3]
    made = onnx.helper.make_graph(
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
    opsets = [onnx.helper.make_opsetid("", 18)]
    path = tmp_path_factory.mktemp("graph") / "negative.onnx"
    onnx.save(onnx.helper.make_model(made, opset_imports=opsets, ir_version=10), path)
    return read_graph(path)


class Reference:
    """An engine that stands for OpenVINO and returns the stand-in's results."""

    def __init__(self, *args: object, **options: object) -> None:
        pass

    def __enter__(self) -> "Reference":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def translate(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return 255 - pictures


@pytest.fixture
def tensorrt(
    api: SimpleNamespace, driver: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """Replace TensorRT by the stand-in, and accept its results as accurate."""
    if driver.is_real:
        pytest.skip("these tests know the stand-in's GPU; test_run.py runs on a real one")
    monkeypatch.setattr(product, "importlib", SimpleNamespace(import_module=lambda name: api))
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    monkeypatch.setattr(check, "OpenVinoEngine", Reference)
    yield api


@pytest.fixture
def rtx(
    tensorrt: SimpleNamespace, driver: Any, standin: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """A stand-in for TensorRT for RTX in its place."""
    api = standin.make_api(driver, is_rtx=True, version="1.7.1")
    monkeypatch.setattr(product.importlib, "import_module", lambda name: api)
    yield api
