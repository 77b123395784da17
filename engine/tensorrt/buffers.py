"""Allocate memory of the host and the GPU with pycuda.

One thread owns the context and makes all calls. An ExitStack frees all memory in reverse order,
also after an error.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pycuda.driver as cuda

from pmsgan.counts import count
from pmsgan.engine.interface import Slot
from pmsgan.errors import EngineError


class GpuMemoryError(EngineError):
    """The GPU has too little memory left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """The GPU in use."""

    name: str
    capability: str
    """Compute capability, such as 8.9."""
    driver: int
    """CUDA version that the driver supports, such as 13000."""


@contextmanager
def gpu_errors_named(task: str) -> Iterator[None]:
    """Turn pycuda's errors into an EngineError that names the task."""
    try:
        yield
    except cuda.MemoryError as error:
        raise GpuMemoryError(f"the GPU does not have enough memory to {task}") from error
    except cuda.Error as error:
        raise EngineError(f"the GPU cannot {task}: {error}") from error


@contextmanager
def gpu_context() -> Iterator[Gpu]:
    """Make the first GPU's primary context current; other CUDA libraries share it.

    Raises:
        EngineError: there is no working GPU.
    """
    with gpu_errors_named("be used"):
        cuda.init()
        device = cuda.Device(0)
        major, minor = device.compute_capability()
        gpu = Gpu(
            name=device.name(),
            capability=f"{major}.{minor}",
            driver=cuda.get_driver_version(),
        )
        context = device.retain_primary_context()
    context.push()
    try:
        yield gpu
    finally:
        context.pop()
        context.detach()


def leave_context(*used: object) -> None:
    """Leave the current context, and keep objects in use alive until the process ends.

    Args:
        used: objects of pycuda, or those that hold some.
    """
    for each in used:  # pycuda would free them with their last reference
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(each))
    cuda.Context.pop()


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Drop what native code writes to stderr: pycuda warns of each object of a lost GPU."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class SlotMemory(ExitStack):
    """Memory that is freed as a whole, and takes at most its share of the GPU's memory.

    Engines that share a GPU open one after the other. If each takes 1/n of the memory that is free
    then, the last one has enough, and so has one that restarts after a crash.
    """

    def __init__(self, engines_per_gpu: int = 1) -> None:
        """Hold nothing yet.

        Args:
            engines_per_gpu: engines that share the GPU; one alone may take all.
        """
        super().__init__()
        self._engines_per_gpu = engines_per_gpu
        self._part_bytes: int | None = None
        self._left_bytes = 0

    def on_gpu(self, num_bytes: int) -> Any:
        """Allocate memory on the GPU.

        Raises:
            GpuMemoryError: the part of this engine is too small.
            cuda.MemoryError: the GPU has too little memory.
        """
        if self._engines_per_gpu > 1:
            self._take_from_part(num_bytes)
        memory = cuda.mem_alloc(max(1, num_bytes))
        self.callback(memory.free)
        return memory

    def close(self) -> None:
        """Free everything; the next allocation takes its share of the memory that is free then."""
        self._part_bytes = None
        super().close()

    def _take_from_part(self, num_bytes: int) -> None:
        if self._part_bytes is None:
            self._part_bytes = self._left_bytes = cuda.mem_get_info()[0] // self._engines_per_gpu
        if num_bytes > self._left_bytes:
            raise GpuMemoryError(
                f"1/{self._engines_per_gpu} of the GPU's free memory, "
                f"{self._part_bytes >> 20} MiB, is too little"
            )
        self._left_bytes -= num_bytes


class SlotBuffers:
    """The memory of one slot on host and GPU, and the events that order its work."""

    def __init__(self, stack: SlotMemory, shape: tuple[int, ...]) -> None:
        """Allocate the buffers of one slot of uint8 `shape`; `stack` frees them.

        Raises:
            GpuMemoryError: the GPU or the host has too little memory.
        """
        stack.callback(self._forget)
        with gpu_errors_named(f"hold slots of {count(shape[0], 'picture')}"):
            self.slot = Slot(_page_locked(stack, shape), _page_locked(stack, shape))
            self.input = stack.on_gpu(self.slot.input.nbytes)
            self.output = stack.on_gpu(self.slot.output.nbytes)
            self.copies = cuda.Stream()
            """The stream of the copies to and from the GPU; another stream computes."""
            self.given = cuda.Event()
            """The copy to the GPU may begin."""
            self.uploaded = cuda.Event()
            """The pictures are on the GPU."""
            self.started = cuda.Event()
            """The computation begins."""
            self.computed = cuda.Event()
            """The translations are computed."""
            self.returning = cuda.Event()
            """The copy to the host may begin."""
            # Waiting for another event would keep a core busy.
            self.downloaded = cuda.Event(cuda.event_flags.BLOCKING_SYNC)
            """The translations are on the host."""

    def _forget(self) -> None:
        """Drop the stream and the events; pycuda frees them with their last reference.

        An error's traceback may refer to this object for longer than the GPU's context lives.
        """
        self.__dict__.clear()


def _page_locked(stack: ExitStack, shape: tuple[int, ...]) -> Any:
    array = cuda.pagelocked_zeros(shape, np.uint8)
    stack.callback(array.base.free)
    return array
