"""Count the operations of a picture, and measure how fast this machine multiplies matrices."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pmsgan.benchmark.config import PEERS, fits_peer
from pmsgan.benchmark.peer import make_peer
from pmsgan.child import call_in_child
from pmsgan.engine.open import what_is_missing
from pmsgan.engine.telemetry import without_telemetry
from pmsgan.errors import ChildError, EngineError
from pmsgan.model.config import NetworkConfig

NUM_PRODUCTS = 10
OWN_NETWORK = "the style's"
"""Name of the network that is no peer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """The operations of a picture, and the rate that bounds them."""

    network_gflop: dict[str, float]
    """Operations for one picture, by network; a multiply-add counts as two [10^9]."""
    matrix_gflop_per_s: dict[str, float]
    """Rate of a large matrix product, by precision [10^9 operations per second]."""


def examine_work(config: NetworkConfig, height: int, width: int, num_threads: int | None) -> Work:
    """Count and measure in a child process, since torch and pycuda cannot share one.

    Args:
        config: the network.
        height: height of a picture [pixels].
        width: width of a picture [pixels].
        num_threads: threads that a CPU computes with; by default one for each core.

    Raises:
        EngineError: torch is not installed, or the child failed.
    """
    if (missing := what_is_missing("eager")) is not None:
        raise EngineError(missing)
    try:
        return call_in_child(_examine, config, height, width, num_threads)
    except ChildError as error:
        raise EngineError(f"the work cannot be counted: {error}") from error


def _examine(config: NetworkConfig, height: int, width: int, num_threads: int | None) -> Work:
    import torch

    if num_threads is not None:
        torch.set_num_threads(num_threads)
    return Work(
        network_gflop=count_gflop(config, height, width),
        matrix_gflop_per_s=matrix_rates(num_threads),
    )


def count_gflop(config: NetworkConfig, height: int, width: int) -> dict[str, float]:
    """Return the operations for one picture by network [10^9]; a peer cannot take every size."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from pmsgan.model.network import make_network

    with torch.device("meta"):
        networks: dict[str, torch.nn.Module] = {OWN_NETWORK: make_network(config)}
        networks |= {name: make_peer(name) for name in PEERS if fits_peer(name, height, width)}
        counts = {}
        for name, network in networks.items():
            with FlopCounterMode(display=False) as counter:
                network.eval()(torch.empty(1, 3, height, width))
            counts[name] = counter.get_total_flops() / 1e9
    return counts


def matrix_rates(num_threads: int | None) -> dict[str, float]:
    """Return how fast this machine multiplies large matrices [10^9 operations per second].

    A CPU runs both PyTorch and OpenVINO; the faster counts.
    """
    import torch

    if torch.cuda.is_available():
        return {name: _torch_rate(name, "cuda", 8192) for name in ("fp32", "bf16", "fp16")}
    side = 2048
    return {
        name: max(_openvino_rate(name, side, num_threads), _torch_rate(name, "cpu", side))
        for name in ("fp32", "bf16")
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
    return 2 * side**3 / min(seconds) / 1e9  # the fastest: the machine may do other work
