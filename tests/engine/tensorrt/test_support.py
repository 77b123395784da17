"""Which product `auto` takes, and what keeps one from running on a machine with a GPU."""

from types import SimpleNamespace
from typing import Any

import pytest

from pmsgan.engine import open as open_module
from pmsgan.engine.accuracy import check_pictures
from pmsgan.engine.doctor import diagnose
from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.machine import examine_machine
from pmsgan.engine.open import choose_backend, open_engine
from pmsgan.engine.tensorrt import product, support
from pmsgan.engine.tensorrt.open import open_on_gpu
from pmsgan.errors import EngineError


def test_auto_takes_the_gpu(tensorrt: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_module.importlib.util, "find_spec", lambda name: name)
    assert choose_backend(require_gpu=True).backend == "tensorrt"
    with open_engine("anime", require_gpu=True, max_batch=3) as engine:
        assert (engine.info.backend, engine.info.max_batch) == ("tensorrt", 3)
        pictures = check_pictures(engine.info.height, engine.info.width)
        assert (engine.translate(pictures) == 255 - pictures).all()


@pytest.mark.parametrize(
    ("capability", "taken"),
    [
        ((7, 0), "openvino"),
        ((8, 9), "tensorrt-rtx"),
        ((9, 0), "openvino"),
        ((10, 3), "openvino"),
        ((12, 0), "tensorrt-rtx"),
    ],
)
def test_auto_passes_over_a_product_that_refuses_the_gpu(
    driver: Any, monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], taken: str
) -> None:
    monkeypatch.setattr(
        open_module.importlib.util, "find_spec", lambda name: name if name != "tensorrt" else None
    )
    driver.set_gpu(capability=capability)
    choice = choose_backend()
    assert choice.backend == taken
    if taken == "openvino":
        name = ".".join(map(str, capability))
        assert f"it does not run on GPUs of compute capability {name}" in choice.reason


def have_tensorrt_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        open_module.importlib.util, "find_spec", lambda it: None if it == "tensorrt_rtx" else it
    )


@pytest.mark.parametrize(
    ("wheel", "said"),
    [
        (
            {"tensorrt_cu13_bindings": "11.4.0.106"},
            "the driver supports CUDA 12.4 and is too old for tensorrt-cu13: "
            "pip install tensorrt-cu12",
        ),
        ({"tensorrt_cu12_bindings": "10.9.0.34"}, "TensorRT 10.9.0.34 is too old, it must be"),
        ({"tensorrt_cu12_bindings": "10.13.0.35"}, None),
        ({}, None),
    ],
)
def test_auto_passes_over_a_wheel_that_does_not_fit(
    tensorrt: SimpleNamespace,
    driver: Any,
    monkeypatch: pytest.MonkeyPatch,
    wheel: dict[str, str],
    said: str | None,
) -> None:
    def version(name: str) -> str:
        if name not in wheel:
            raise support.metadata.PackageNotFoundError
        return wheel[name]

    have_tensorrt_alone(monkeypatch)
    monkeypatch.setattr(support.metadata, "version", version)
    driver.set_gpu(cuda=12040)
    choice = choose_backend()
    assert choice.backend == ("openvino" if said else "tensorrt")
    assert (said or "the first that can run here") in choice.reason


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_auto_passes_over_a_product_without_its_libraries(
    tensorrt: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def without_libraries(name: str) -> object:
        raise error("libnvinfer.so.10: cannot open shared object file")

    have_tensorrt_alone(monkeypatch)
    monkeypatch.setattr(product.importlib, "import_module", without_libraries)
    choice = choose_backend()
    assert choice.backend == "openvino"
    assert "TensorRT cannot be loaded (" in choice.reason
    with pytest.raises(EngineError, match=r"tensorrt cannot run here: .*libnvinfer\.so\.10"):
        choose_backend("tensorrt")


def test_a_version_that_is_too_old_is_refused_however_it_was_installed(
    graph: GraphInfo, tensorrt: SimpleNamespace
) -> None:
    tensorrt.__version__ = "10.12.1"
    with pytest.raises(EngineError, match=r"TensorRT 10\.12\.1 is too old, it must be"):
        open_on_gpu("tensorrt", graph)


def test_the_diagnosis_tells_what_an_engine_depends_on(
    tensorrt: SimpleNamespace, driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name != "tensorrt_cu12_bindings":
            raise support.metadata.PackageNotFoundError
        return "10.13.0.35"

    examine_machine()  # which is kept, and names the packages that are really here
    monkeypatch.setattr(open_module.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(support.metadata, "version", version)
    driver.set_gpu(capability=(9, 0), cuda=12040)
    diagnosis = diagnose()
    content = diagnosis.to_json()
    assert (content["gpu_capability"], content["driver_cuda"]) == ("9.0", "12.4")
    assert content["products"] == {
        "tensorrt": {"version": "10.13.0.35", "wheel_cuda": 12},
        "tensorrt-rtx": {"version": None, "wheel_cuda": None},
    }
    assert content["auto"] == {"backend": "tensorrt", "reason": "the first that can run here"}
    text = diagnosis.to_text()
    for line in (
        "the first GPU has compute capability 9.0",
        "the NVIDIA driver supports CUDA up to 12.4",
        "TensorRT: 10.13.0.35, wheel for CUDA 12 (cu12)",
        "TensorRT for RTX: installed, but not from its wheels",
        "--backend auto takes tensorrt (the first that can run here)",
    ):
        assert line in text.splitlines()
