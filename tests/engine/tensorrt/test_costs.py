"""The costs of an engine: its build, its file, the GPU's memory, and how fast that memory is."""

from types import SimpleNamespace
from typing import Any

import pytest

from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.tensorrt import open as open_module
from pmsgan.engine.tensorrt.open import open_on_gpu

ACTIVATION_BYTES = 4096


def test_an_engine_tells_its_costs(
    graph: GraphInfo, tensorrt: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((100.0, 184.0))
    monkeypatch.setattr(open_module.time, "perf_counter", lambda: next(clock))
    for _ in range(2):  # it is built, then taken from the cache
        with open_on_gpu("tensorrt", graph, max_batch=4) as engine:
            slots = engine.slots(2)
            costs = engine.costs()
            assert costs is not None
            assert costs.build_s == 84.0
            assert costs.file_bytes == len(tensorrt.make_plan(max_batch=4))
            num_bytes = sum(slot.input.nbytes + slot.output.nbytes for slot in slots)
            assert costs.gpu_bytes == num_bytes + 4 * ACTIVATION_BYTES


def test_the_bandwidth_is_that_of_the_fastest_copy(
    driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pmsgan.engine.tensorrt import bandwidth

    monkeypatch.setattr(bandwidth, "COPY_BYTES", 1_000_000)
    found = bandwidth.memory_gb_per_s()
    if driver.is_real:
        assert found > 1
    else:  # a millisecond for the copy, and one to note its end
        assert found == 1.0
