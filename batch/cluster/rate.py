"""Find how many workers it takes to feed one GPU.

A process prepares and writes pictures on all its cores, but its interpreter works on one at a time.
"""

import math
import time
from collections import deque

from pmsgan.engine.interface import MAX_IN_FLIGHT, Engine, Slot

LEAST_PICTURES = 20_000
"""A shorter run is not worth the seconds of a measurement."""
PROCESS_RATE = 1500.0
"""Most pictures a second that one process feeds to an engine, however many cores it has.

`tools/bench_gil.py` measures how long a picture holds the interpreter.
"""
CORES_PER_PROCESS = 4
"""Cores that one process can keep busy before its interpreter is the bottleneck."""
_WARM_UP_S = 0.5
_MEASURED_S = 1.0


def workers_per_gpu(engine_rate: float, cores: int) -> int:
    """Return how many workers feed one GPU.

    Args:
        engine_rate: pictures, or tiles of them, that its engine translates in a second.
        cores: processor cores for each GPU.
    """
    needed = math.ceil(engine_rate / PROCESS_RATE)
    return max(1, min(needed, cores // CORES_PER_PROCESS))


def measure_engine(engine: Engine) -> float:
    """Return the pictures, or tiles, that an engine translates in a second if it never waits.

    Raises:
        EngineError: the engine failed.
    """
    in_flight: deque[Slot] = deque()
    for slot in engine.cached_slots(MAX_IN_FLIGHT):
        slot.input[:] = 0
        in_flight.append(slot)
    batch = engine.info.max_batch
    for slot in in_flight:
        engine.submit(slot, batch)
    _run(engine, in_flight, _WARM_UP_S)
    num_batches, seconds = _run(engine, in_flight, _MEASURED_S)
    for slot in in_flight:
        engine.wait(slot)
    return num_batches * batch / seconds


def _run(engine: Engine, in_flight: deque[Slot], seconds: float) -> tuple[int, float]:
    """Translate for some time; return the number of batches, and the time [seconds]."""
    started, num_batches, elapsed = time.perf_counter(), 0, 0.0
    while elapsed < seconds:
        slot = in_flight.popleft()
        engine.wait(slot)
        engine.submit(slot, engine.info.max_batch)
        in_flight.append(slot)
        num_batches += 1
        elapsed = time.perf_counter() - started
    return num_batches, elapsed
