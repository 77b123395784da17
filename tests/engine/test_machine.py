"""The description of this machine."""

import subprocess
import sys

import numpy as np
import pytest

from pmsgan.engine import doctor
from pmsgan.engine import machine as machine_module
from pmsgan.engine import open as open_module
from pmsgan.engine.doctor import diagnose
from pmsgan.engine.machine import Machine, count_cores, examine_machine, peak_memory_bytes

CPUINFO = """\
processor\t: 0
model name\t: Some CPU @ 3.00GHz
flags\t\t: fpu sse2 avx avx2 fma avx512f avx512_bf16 avx_vnni amx_tile amx_bf16 ht

processor\t: 1
model name\t: Another
"""


@pytest.mark.usefixtures("needs_torch")
def test_this_machine_has_cores_and_packages() -> None:
    machine = examine_machine()
    assert 1 <= machine.cores == count_cores()
    assert machine.packages["numpy"] == np.__version__
    assert {"openvino", "torch", "pillow", "onnx"} <= set(machine.packages)
    assert machine.to_json()["python"] == machine.python


def test_versions_are_found_without_reading_all_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.packages_distributions", None)
    packages = examine_machine.__wrapped__().packages
    assert packages["numpy"] == np.__version__
    assert any(name.startswith("opencv-") for name in packages)


def test_processors_are_read_as_linux_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine_module._lines
    monkeypatch.setattr(
        machine_module,
        "_lines",
        lambda path: CPUINFO.splitlines() if path == "/proc/cpuinfo" else real(path),
    )
    machine: Machine = examine_machine.__wrapped__()
    assert machine.cpu == "Some CPU @ 3.00GHz"
    assert machine.cpu_flags == (
        "amx_bf16", "amx_tile", "avx2", "avx512_bf16", "avx512f", "avx_vnni",
    )  # fmt: skip
    assert str(machine).startswith(f"Some CPU @ 3.00GHz, {machine.cores} core")
    assert "(AMX)" in str(machine)


def test_other_systems_tell_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_module, "_lines", lambda path: [])
    monkeypatch.setattr(machine_module, "memory_bytes", lambda: None)
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    machine: Machine = examine_machine.__wrapped__()
    assert machine.cpu
    assert machine.cpu_flags == ()
    assert "GiB" not in str(machine)
    assert (peak_memory_bytes() or 0) > 0
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(machine_module, "_output", lambda *command: "Apple M9")
    assert examine_machine.__wrapped__().cpu == "Apple M9"


def test_gpus_have_their_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_module, "gpu_names", lambda: ["NVIDIA Some", "MIG 1g.10gb"])
    monkeypatch.setattr(machine_module, "driver_cuda", lambda: (13, 0))
    told = {"/sys/module/nvidia/version": ["580.1"]}
    monkeypatch.setattr(machine_module, "_lines", lambda path: told.get(path, []))
    machine: Machine = examine_machine.__wrapped__()
    assert machine.gpus == ("NVIDIA Some, driver 580.1", "MIG 1g.10gb, driver 580.1")
    assert "NVIDIA Some" in str(machine)
    told.clear()
    assert examine_machine.__wrapped__().gpus[0] == "NVIDIA Some, driver for CUDA 13.0"
    monkeypatch.setattr(machine_module, "gpu_names", list)
    assert examine_machine.__wrapped__().gpus == ()


def test_peak_memory_is_that_of_this_process() -> None:
    code = (
        "from pmsgan.engine.machine import peak_memory_bytes as peak; before = peak();"
        "data = bytearray(100 << 20); print(peak() - before)"
    )
    grown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 90 << 20 < int(grown.stdout) < 130 << 20


def test_the_diagnosis_names_what_each_backend_lacks() -> None:
    diagnosis = diagnose()
    content = diagnosis.to_json()
    assert [it["name"] for it in content["backends"]] == [
        "tensorrt", "tensorrt-rtx", "openvino", "eager", "onnxruntime",
    ]  # fmt: skip
    for backend in content["backends"]:
        assert backend["can_run"] == (backend["missing"] is None)


def test_the_diagnosis_names_what_auto_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_module, "count_gpus", lambda: 0)
    monkeypatch.setattr(doctor, "gpu_capability", lambda: None)
    monkeypatch.setattr(doctor, "driver_cuda", lambda: None)
    diagnosis = diagnose()
    reason = "no NVIDIA GPU with a driver was found; the first that can run here"
    assert diagnosis.to_json()["auto"] == {"backend": "openvino", "reason": reason}
    assert f"--backend auto takes openvino ({reason})" in diagnosis.to_text()
    assert "compute capability" not in diagnosis.to_text()
    monkeypatch.setattr(open_module.importlib.util, "find_spec", lambda name: None)
    nothing = diagnose()
    assert nothing.to_json()["auto"] is None
    assert "--backend auto takes" not in nothing.to_text()
    assert "TensorRT for RTX: not installed" in nothing.to_text()
