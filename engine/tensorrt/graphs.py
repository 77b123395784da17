"""Measure whether CUDA graphs make an engine faster.

A graph launches all kernels of a batch at once. That saves time where the GPU waits for launches,
as with small batches, and none where kernels are long.
"""

import logging
from typing import TYPE_CHECKING

import numpy as np

from pmsgan.engine.interface import MAX_IN_FLIGHT
from pmsgan.engine.tensorrt.kernels import KernelCache
from pmsgan.errors import EngineError

if TYPE_CHECKING:
    from pmsgan.engine.tensorrt.run import TensorRtEngine

NUM_ROUNDS = 3
NUM_RUNS = 8
"""Number of runs of MAX_IN_FLIGHT batches in a round."""
LEAST_GAIN = 1.05
"""Least speed-up by graphs; less is noise, and graphs take memory."""

_log = logging.getLogger(__name__)


def choose_graphs(engine: "TensorRtEngine", kernels: KernelCache) -> None:
    """Let an engine use CUDA graphs if they make full batches faster.

    Slots alternate, and kernels are the best, as in a long run.

    Args:
        engine: an idle engine of TensorRT for RTX; its slots are freed.
        kernels: its cache of kernels, which keeps the choice.

    Raises:
        EngineError: the engine fails without graphs.
    """
    engine.compiles_ahead = True
    seconds: dict[bool, float] = {}
    for uses_graphs in (False, True, False):  # the GPU's clock rises in the first rounds
        info, engine.graphs = engine.info, uses_graphs
        try:
            now = _batch_s(engine)
        except EngineError as error:
            if not uses_graphs:
                raise
            _log.info("CUDA graphs failed: %s", error)
            now = float("inf")
        seconds[uses_graphs] = min(now, seconds.get(uses_graphs, now))
        engine.free_slots()
        if uses_graphs:
            engine.info = info  # graphs may have had too little memory for the whole batch
    kernels.uses_graphs = seconds[False] > LEAST_GAIN * seconds[True]
    engine.graphs, engine.compiles_ahead = None, False
    _log.info(
        "CUDA graphs are %s: a batch takes %.3f ms with them, %.3f ms without",
        "used" if kernels.uses_graphs else "not used", 1e3 * seconds[True], 1e3 * seconds[False],
    )  # fmt: skip


def _batch_s(engine: "TensorRtEngine") -> float:
    """Return the seconds of a batch on the GPU's clock, in the fastest of several rounds."""
    info = engine.info
    pictures = np.zeros((MAX_IN_FLIGHT * info.max_batch, info.height, info.width, 3), np.uint8)
    engine.translate(pictures)  # compiles kernels and captures graphs
    rounds = []
    for _ in range(NUM_ROUNDS):
        before = engine.compute_s
        for _ in range(NUM_RUNS):
            engine.translate(pictures)
        rounds.append((engine.compute_s - before) / (NUM_RUNS * MAX_IN_FLIGHT))
    return min(rounds)
