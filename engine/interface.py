"""What every runtime offers to the folder conversion."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from pmsgan.errors import ConfigError

MAX_IN_FLIGHT = 2
"""Slots to have submitted at a time: while one ends, the next already runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineInfo:
    """What runs where, as reports print it."""

    backend: str
    """tensorrt, tensorrt-rtx, openvino or eager."""
    device: str
    """Name of the processor."""
    precision: str
    """What the arithmetic is done in: fp32, fp16 or bf16."""
    height: int
    """Pixels."""
    width: int
    """Pixels."""
    max_batch: int
    """Pictures in a slot."""
    runtime: str
    """Name and version of the library."""


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """Host memory for one batch, owned by the engine."""

    input: NDArray[np.uint8]
    """[max_batch, H, W, 3] BGR."""
    output: NDArray[np.uint8]
    """[max_batch, H, W, 3] BGR."""


@dataclass(frozen=True, slots=True)
class GpuTimes:
    """What a GPU has done, by its own clock."""

    compute_s: float
    """Translating [seconds]."""
    copy_s: float
    """Copying to and from the host, waiting for other copies included [seconds]."""


class Engine(ABC):
    """A graph that is ready to run; leaving its `with` block closes it.

    One thread owns an engine and makes all calls. Slots may be filled and read by others while
    they are not submitted.
    """

    info: EngineInfo
    gpu_times: GpuTimes | None = None
    """How long the GPU has worked so far; None where there is none."""
    _kept_slots: Sequence[Slot] = ()
    """Those of `kept_slots`."""

    @abstractmethod
    def slots(self, count: int) -> list[Slot]:
        """Make `count` slots; they are valid until the engine is closed."""

    @abstractmethod
    def submit(self, slot: Slot, count: int) -> None:
        """Start translating the first `count` pictures of a slot, and return."""

    @abstractmethod
    def wait(self, slot: Slot) -> None:
        """Return when the slot's outputs are complete; raise EngineError if it failed."""

    def kept_slots(self, count: int) -> Sequence[Slot]:
        """Return the same slots at each call, for one user at a time."""
        if len(self._kept_slots) < count:
            missing = self.slots(count - len(self._kept_slots))
            self._kept_slots = [*self._kept_slots, *missing]
        return self._kept_slots[:count]

    @abstractmethod
    def close(self) -> None:
        """Stop what still runs and free what the engine holds; a second call does nothing."""

    def __enter__(self) -> "Engine":
        """Return the engine."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the engine."""
        self.close()

    def translate(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Translate pictures that are in memory.

        Args:
            images: uint8 [N, H, W, 3] BGR of the engine's size; any N.

        Returns:
            Their translations, likewise.

        Raises:
            ConfigError: the pictures have another shape or type.
            EngineError: the engine failed.
        """
        info = self.info
        if images.dtype != np.uint8 or images.shape[1:] != (info.height, info.width, 3):
            raise ConfigError(
                f"pictures are {images.dtype} {list(images.shape)}: this engine takes "
                f"uint8 [N, {info.height}, {info.width}, 3]"
            )
        results = np.empty_like(images)
        in_flight: deque[tuple[Slot, slice]] = deque()
        slots = cycle(self.kept_slots(MAX_IN_FLIGHT))
        max_batch = self.info.max_batch  # making slots may have halved it
        for start in range(0, len(images), max_batch):
            if len(in_flight) == MAX_IN_FLIGHT:
                self._collect(in_flight.popleft(), results)
            rows = slice(start, min(start + max_batch, len(images)))
            slot, count = next(slots), rows.stop - rows.start
            slot.input[:count] = images[rows]
            self.submit(slot, count)
            in_flight.append((slot, rows))
        while in_flight:
            self._collect(in_flight.popleft(), results)
        return results

    def _collect(self, submitted: tuple[Slot, slice], results: NDArray[np.uint8]) -> None:
        slot, rows = submitted
        self.wait(slot)
        results[rows] = slot.output[: rows.stop - rows.start]
