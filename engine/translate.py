"""Run pictures that are already in memory."""

from collections import deque
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from pmsgan.engine.interface import MAX_IN_FLIGHT, Engine, Slot
from pmsgan.errors import ConfigError


class Translator:
    """Translates arrays of any length, a few slots at a time."""

    def __init__(self, engine: Engine) -> None:
        """Take an open engine and make slots for it."""
        self._engine = engine
        self._slots = engine.slots(MAX_IN_FLIGHT)
        self.gpu_s: float | None = None
        """How long the GPU computed in all calls, by its own clock; None where there is none."""

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Translate uint8 [N, H, W, 3] BGR of the engine's size to the same.

        Raises:
            ConfigError: the pictures have another shape or type.
            EngineError: the engine failed.
        """
        info = self._engine.info
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (info.height, info.width, 3):
            raise ConfigError(
                f"pictures are {pictures.dtype} {list(pictures.shape)}: this engine takes "
                f"uint8 [N, {info.height}, {info.width}, 3]"
            )
        results = np.empty_like(pictures)
        in_flight: deque[tuple[Slot, slice]] = deque()
        slots = cycle(self._slots)
        for start in range(0, len(pictures), info.max_batch):
            if len(in_flight) == MAX_IN_FLIGHT:
                self._collect(in_flight.popleft(), results)
            rows = slice(start, min(start + info.max_batch, len(pictures)))
            slot, count = next(slots), rows.stop - rows.start
            slot.input[:count] = pictures[rows]
            self._engine.submit(slot, count)
            in_flight.append((slot, rows))
        while in_flight:
            self._collect(in_flight.popleft(), results)
        return results

    def _collect(self, submitted: tuple[Slot, slice], results: NDArray[np.uint8]) -> None:
        slot, rows = submitted
        gpu_s = self._engine.wait(slot)
        if gpu_s is not None:
            self.gpu_s = (self.gpu_s or 0.0) + gpu_s
        results[rows] = slot.output[: rows.stop - rows.start]
