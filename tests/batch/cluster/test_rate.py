"""How many workers it takes to feed one GPU."""

from types import SimpleNamespace

import numpy as np
import pytest

from pmsgan.batch.cluster import rate as rate_module
from pmsgan.batch.cluster.rate import PROCESS_RATE, measure_engine, workers_per_gpu
from pmsgan.engine.interface import Engine, EngineInfo, Slot


@pytest.mark.parametrize(
    ("engine_rate", "cores", "workers"),
    [
        (PROCESS_RATE, 64, 1),
        (PROCESS_RATE + 1, 64, 2),
        (3.5 * PROCESS_RATE, 64, 4),
        (3.5 * PROCESS_RATE, 8, 2),  # what a process of two cores does needs no second one
        (3.5 * PROCESS_RATE, 1, 1),
    ],
)
def test_a_fast_engine_has_as_many_workers_as_feed_it(
    engine_rate: float, cores: int, workers: int
) -> None:
    assert workers_per_gpu(engine_rate, cores) == workers


class TimedEngine(Engine):
    """Translates a batch in a time of its own clock, the first three in ten times that."""

    def __init__(self) -> None:
        self.info = EngineInfo(
            backend="timed", device="none", precision="none", height=1, width=1, max_batch=8,
            runtime="none",
        )  # fmt: skip
        self.now = 0.0
        self.in_flight: list[Slot] = []
        self.num_waits = 0

    def _new_slots(self, count: int) -> list[Slot]:
        return [
            Slot(np.zeros((8, 1, 1, 3), np.uint8), np.zeros((8, 1, 1, 3), np.uint8))
            for _ in range(count)
        ]

    def _submit(self, slot: Slot, count: int) -> None:
        assert slot not in self.in_flight
        assert count == 8
        self.in_flight.append(slot)

    def _wait(self, slot: Slot) -> None:
        assert self.in_flight.pop(0) is slot
        self.now += 1 / 256 if self.num_waits >= 3 else 10 / 256
        self.num_waits += 1

    def _close(self) -> None:
        assert not self.in_flight


def test_an_engine_is_measured_when_it_is_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    with TimedEngine() as engine:
        monkeypatch.setattr(rate_module, "time", SimpleNamespace(perf_counter=lambda: engine.now))
        assert measure_engine(engine) == pytest.approx(8 * 256)
