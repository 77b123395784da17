"""Measure the rates that no engine on this machine can exceed."""

import importlib.util
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from pmsgan.child import call_in_child
from pmsgan.engine.gpu import count_gpus
from pmsgan.engine.machine import computes_bf16
from pmsgan.engine.telemetry import without_telemetry
from pmsgan.errors import ChildError

NUM_PRODUCTS = 10
CPU_SIDE, GPU_SIDE = 2048, 8192
"""Sides of the matrices."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceilings:
    """Rates that no engine on this machine can exceed."""

    matrix_gflop_per_s: dict[str, float]
    """Rate of a large matrix product, by precision [10^9 operations per second]."""
    memory_gb_per_s: float | None = None
    """Bandwidth of the GPU's memory [10^9 bytes per second]; None where it cannot be measured."""


def memory_rate() -> float | None:
    """Return the bandwidth of the GPU's memory; None without a GPU or pycuda."""
    if not count_gpus() or importlib.util.find_spec("pycuda") is None:
        return None
    try:
        return call_in_child(_memory_rate)
    except ChildError as error:
        _log.warning("the bandwidth of the GPU's memory cannot be measured: %s", error)
        return None


def _memory_rate() -> float:
    from pmsgan.engine.tensorrt.bandwidth import memory_gb_per_s

    return memory_gb_per_s()


def matrix_rates(num_threads: int | None) -> dict[str, float]:
    """Return how fast this machine multiplies large matrices [10^9 operations per second].

    A CPU runs both PyTorch and OpenVINO; the faster counts. A CPU that does not compute in BF16 has
    no rate for it: PyTorch would emulate it for many minutes.
    """
    import torch

    if torch.cuda.is_available():
        return {name: _torch_rate(name, "cuda", GPU_SIDE) for name in ("fp32", "bf16", "fp16")}
    return {
        name: max(_openvino_rate(name, CPU_SIDE, num_threads), _torch_rate(name, "cpu", CPU_SIDE))
        for name in (("fp32", "bf16") if computes_bf16() else ("fp32",))
    }


def _torch_rate(precision: str, device: str, side: int) -> float:
    import torch

    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    matrix = torch.randn(side, side, device=device).to(types[precision])

    def multiply() -> None:
        torch.mm(matrix, matrix)
        if device == "cuda":
            torch.cuda.synchronize()

    return _rate(multiply, side)


def _openvino_rate(precision: str, side: int, num_threads: int | None) -> float:
    import numpy as np

    with without_telemetry():
        import openvino
        from openvino import opset13

    matrix = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32)
    left = opset13.parameter(matrix.shape, np.float32)
    product = opset13.matmul(left, opset13.constant(matrix), False, False)
    properties = {"INFERENCE_PRECISION_HINT": precision.replace("fp", "f")} | (
        {} if num_threads is None else {"INFERENCE_NUM_THREADS": num_threads}
    )
    request = openvino.compile_model(
        openvino.Model([product], [left]), "CPU", properties
    ).create_infer_request()
    request.set_input_tensor(openvino.Tensor(matrix))
    return _rate(request.infer, side)


def _rate(multiply: Callable[[], object], side: int) -> float:
    multiply()  # warms up
    seconds = []
    for _ in range(NUM_PRODUCTS):
        start = time.perf_counter()
        multiply()
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds) / 1e9  # the fastest counts
