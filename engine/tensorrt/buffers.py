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
        raise GpuMemoryError(f"the GPU has too little memory to {task}") from error
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
    """Leave the current context, and let what is in use there live as long as the process.

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


class SlotBuffers:
    """The memory of one slot on host and GPU, and the events that order its work."""

    def __init__(self, stack: ExitStack, shape: tuple[int, ...]) -> None:
        """Allocate the buffers of one slot of uint8 `shape`; `stack` frees them.

        Raises:
            GpuMemoryError: the GPU or the host has too little memory.
        """
        stack.callback(self._forget)
        with gpu_errors_named(f"hold slots of {shape[0]} pictures"):
            self.slot = Slot(_page_locked(stack, shape), _page_locked(stack, shape))
            self.input = device_memory(stack, self.slot.input.nbytes)
            self.output = device_memory(stack, self.slot.output.nbytes)
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
        """Drop the stream and the events, which pycuda frees with their last reference.

        An error's traceback may refer to this object for longer than the GPU's context lives.
        """
        self.__dict__.clear()


def device_memory(stack: ExitStack, num_bytes: int) -> Any:
    """Allocate memory on the GPU; `stack` frees it."""
    memory = cuda.mem_alloc(max(1, num_bytes))
    stack.callback(memory.free)
    return memory


def _page_locked(stack: ExitStack, shape: tuple[int, ...]) -> Any:
    array = cuda.pagelocked_zeros(shape, np.uint8)
    stack.callback(array.base.free)
    return array
