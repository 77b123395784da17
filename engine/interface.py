"""The interface of every runtime to the folder conversion."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from pmsgan.engine.layer_times import LayerTimes
from pmsgan.engine.machine import memory_bytes
from pmsgan.errors import ConfigError, EngineError

MAX_IN_FLIGHT = 2
"""Most slots that are submitted at a time, so that the next one runs while one ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineInfo:
    """A description of the engine, as reports print it."""

    backend: str
    """One of tensorrt, tensorrt-rtx, openvino, eager and onnxruntime."""
    device: str
    """Name of the processor."""
    precision: str
    """Arithmetic: fp32, fp16, bf16, or int8 for most of it."""
    height: int
    """Height in pixels."""
    width: int
    """Width in pixels."""
    max_batch: int
    """Largest number of pictures in a slot."""
    runtime: str
    """Name and version of the library."""
    psnr_db: float | None = None
    """INT8: PSNR to FP32 on pictures that it was not calibrated on [dB]; else None."""

    @property
    def arithmetic(self) -> str:
        """Return the precision for people, with the PSNR of INT8."""
        return self.precision + (f" ({self.psnr_db:.1f} dB to fp32)" if self.psnr_db else "")


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """Host memory for one batch, owned by the engine."""

    input: NDArray[np.uint8]
    """Pictures [max_batch, H, W, 3] BGR."""
    output: NDArray[np.uint8]
    """Their translations [max_batch, H, W, 3] BGR."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineCosts:
    """The cost of building an engine and of keeping it on a GPU."""

    build_s: float
    """Time that its compilation took, now or in an earlier run [seconds]."""
    file_bytes: int
    """Size of the compiled engine."""
    gpu_bytes: int
    """Memory of the GPU for the engine, its activations and the slots that are made."""


@dataclass(frozen=True, slots=True)
class GpuTimes:
    """Working time of a GPU by its own clock."""

    compute_s: float
    """Time spent translating [seconds]."""
    copy_s: float
    """Time spent copying to and from the host, with waits for other copies [seconds]."""


class Engine(ABC):
    """A graph that is ready to run; leaving its `with` block closes it.

    One thread owns an engine and makes all calls. Other threads may fill and read slots that are
    not submitted. A closed engine refuses every call but `close` with EngineError.
    """

    info: EngineInfo
    gpu_times: GpuTimes | None = None
    """Working time of the GPU so far; None without a GPU."""
    _cached_slots: Sequence[Slot] = ()
    """The slots that `cached_slots` returns."""
    _is_closed = False

    def slots(self, count: int) -> list[Slot]:
        """Make `count` slots, which are valid until the engine is closed.

        Raises:
            EngineError: there is not enough memory for them.
        """
        self._refuse_if_closed()
        info = self.info
        needed = 2 * count * info.max_batch * info.height * info.width * 3
        too_large = (
            f"{count} slots of {info.max_batch} pictures need {needed / 1e9:.1f} GB of memory, "
            "more than there is: lower --max-batch or --slots"
        )
        if needed > (memory_bytes() or needed):
            raise EngineError(too_large)
        try:
            return self._new_slots(count)
        except MemoryError as error:
            raise EngineError(too_large) from error

    def submit(self, slot: Slot, count: int) -> None:
        """Start translating the first `count` pictures of a slot, and return at once."""
        self._refuse_if_closed()
        self._submit(slot, count)

    def wait(self, slot: Slot) -> None:
        """Wait until the slot's outputs are complete; raise EngineError if the engine failed."""
        self._refuse_if_closed()
        self._wait(slot)

    def cached_slots(self, count: int) -> Sequence[Slot]:
        """Return the same slots at each call, for one user at a time."""
        self._refuse_if_closed()
        if len(self._cached_slots) < count:
            missing = self.slots(count - len(self._cached_slots))
            self._cached_slots = [*self._cached_slots, *missing]
        return self._cached_slots[:count]

    def time_layers(self, num_batches: int) -> LayerTimes:
        """Run full batches one by one and time each layer; slots that were made become invalid.

        Raises:
            EngineError: this engine cannot time its layers, or failed.
        """
        self._refuse_if_closed()
        return self._time_layers(num_batches)

    def costs(self) -> EngineCosts | None:
        """Return the cost of building and holding this engine; None if it is not known."""
        return None

    def close(self) -> None:
        """End running work and free the engine's resources; a second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._close()

    def abandon(self) -> None:
        """Close without freeing the slots, which threads that hang may still use."""
        if not self._is_closed:
            self._is_closed = True
            self._abandon()

    def __enter__(self) -> "Engine":
        """Return the engine."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the engine."""
        self.close()

    def translate(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Translate pictures in memory.

        Args:
            images: uint8 [N, H, W, 3] BGR of the engine's height and width, for any N.

        Returns:
            Their translations, of the same shape and type.

        Raises:
            ConfigError: the pictures have another shape or type.
            EngineError: the engine failed, or is closed.
        """
        self._refuse_if_closed()
        self._check_pictures(images)
        results = np.empty_like(images)
        in_flight: deque[tuple[Slot, slice]] = deque()
        slots = cycle(self.cached_slots(MAX_IN_FLIGHT))
        max_batch = self.info.max_batch  # `slots` may have halved it
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

    @abstractmethod
    def _new_slots(self, count: int) -> list[Slot]:
        """Do what `slots` does, in an open engine."""

    @abstractmethod
    def _submit(self, slot: Slot, count: int) -> None:
        """Do what `submit` does, in an open engine."""

    @abstractmethod
    def _wait(self, slot: Slot) -> None:
        """Do what `wait` does, in an open engine."""

    @abstractmethod
    def _close(self) -> None:
        """End running work and free the engine's resources; called once."""

    def _time_layers(self, num_batches: int) -> LayerTimes:
        """Do what `time_layers` does, in an open engine."""
        raise EngineError(f"{self.info.runtime} cannot time its layers: use TensorRT")

    def _abandon(self) -> None:
        """Do what `abandon` does; NumPy's own memory lives as long as somebody refers to it."""
        self._close()

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise EngineError("the engine is closed: open another one")

    def _check_pictures(self, images: object) -> None:
        info = self.info
        taken = f"this engine takes an array uint8 [N, {info.height}, {info.width}, 3]"
        if not isinstance(images, np.ndarray):
            raise ConfigError(f"pictures are of type {type(images).__name__}: {taken}")
        if images.dtype != np.uint8 or images.shape[1:] != (info.height, info.width, 3):
            raise ConfigError(f"pictures are {images.dtype} {list(images.shape)}: {taken}")

    def _collect(self, submitted: tuple[Slot, slice], results: NDArray[np.uint8]) -> None:
        slot, rows = submitted
        self.wait(slot)
        results[rows] = slot.output[: rows.stop - rows.start]
