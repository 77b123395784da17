"""What every runtime offers to the folder conversion."""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MAX_IN_FLIGHT = 2
"""Slots to have submitted at a time: while one ends, the next already runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineInfo:
    """What runs where, as reports print it."""

    backend: str
    """openvino or eager."""
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


class Engine(Protocol):
    """A graph that is ready to run; closed by leaving its `with` block.

    One thread owns an engine and makes all calls. Slots may be filled and read by others while
    they are not submitted.
    """

    info: EngineInfo

    def slots(self, count: int) -> list[Slot]:
        """Make `count` slots; they are valid until the engine is closed."""
        ...

    def submit(self, slot: Slot, count: int) -> None:
        """Start translating the first `count` pictures of a slot, and return."""
        ...

    def wait(self, slot: Slot) -> float | None:
        """Return when the slot's outputs are complete; raise EngineError if it failed.

        Returns:
            How long the GPU computed, by its own clock [seconds]; None where there is none.
        """
        ...

    def __enter__(self) -> "Engine":
        """Return the engine."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Free what the engine holds."""
        ...
