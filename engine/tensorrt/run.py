"""Run a plan; the copies of one slot overlap with the computation of another.

Each slot has a stream of its own for its copies; one stream computes for all slots. Events pass a
slot from one stream to the other: given -> uploaded -> started -> computed -> returning ->
downloaded.
"""

import contextlib
import logging
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pycuda.driver as cuda

from pmsgan.engine.graph import INPUT_NAME, OUTPUT_NAME
from pmsgan.engine.interface import Engine, EngineInfo, GpuTimes, Slot
from pmsgan.engine.tensorrt.buffers import (
    Gpu,
    GpuMemoryError,
    SlotBuffers,
    device_memory,
    gpu_errors_named,
)
from pmsgan.engine.tensorrt.plan import EnginePlanKey
from pmsgan.engine.tensorrt.product import Library
from pmsgan.errors import EngineError

_log = logging.getLogger(__name__)


class TensorRtEngine(Engine):
    """A plan on the GPU; its CUDA context must stay current while the engine is open."""

    def __init__(
        self, library: Library, plan: bytes, key: EnginePlanKey, gpu: Gpu, owned: ExitStack
    ) -> None:
        """Load a plan.

        Args:
            library: the product that built it.
            plan: the serialised plan.
            key: what the plan was built for.
            gpu: the GPU to run on.
            owned: resources that the engine closes last; it takes them over if it succeeds.

        Raises:
            EngineError: TensorRT refuses the plan.
        """
        self._library = library
        self._runtime = library.need(library.api.Runtime(library.log), "make a runtime")
        self._engine = library.need(
            self._runtime.deserialize_cuda_engine(plan), "load the engine that it has built"
        )
        self._memory = ExitStack()
        self._buffers: dict[Slot, SlotBuffers] = {}
        self._context: Any = None
        self._compute: Any = None
        self._count = 0
        self._activation_bytes = 0
        self.info = EngineInfo(
            backend=key.product,
            device=gpu.name,
            precision=key.precision,
            height=key.height,
            width=key.width,
            max_batch=key.max_batch,
            runtime=f"{library.product.title} {library.version}",
        )
        self._owned = owned.pop_all()

    def _new_slots(self, count: int) -> list[Slot]:
        """Make slots; while the first ones do not fit in memory, halve the pictures in a slot.

        Raises:
            EngineError: not even slots of one picture fit.
        """
        has_slots = bool(self._buffers)
        while True:
            try:
                return self._try_slots(count)
            except GpuMemoryError as error:
                batch = self.info.max_batch // 2
                if has_slots or batch == 0:
                    raise
                self.free_slots()
                _log.warning("%s: continuing with slots of %d", error, batch)
                self.info = replace(self.info, max_batch=batch)

    def _submit(self, slot: Slot, count: int) -> None:
        """Queue the copies and the translation of the first `count` pictures."""
        buffers = self._buffers_of(slot)
        with gpu_errors_named("translate a batch"):
            buffers.given.record(buffers.copies)
            cuda.memcpy_htod_async(buffers.input, slot.input[:count], buffers.copies)
            buffers.uploaded.record(buffers.copies)
            self._compute.wait_for_event(buffers.uploaded)
            buffers.started.record(self._compute)
            self._translate(buffers, count)
            buffers.computed.record(self._compute)
            buffers.copies.wait_for_event(buffers.computed)
            buffers.returning.record(buffers.copies)
            cuda.memcpy_dtoh_async(slot.output[:count], buffers.output, buffers.copies)
            buffers.downloaded.record(buffers.copies)

    def _wait(self, slot: Slot) -> None:
        """Wait for the copy to the host; raise EngineError if it or anything before it failed."""
        buffers = self._buffers_of(slot)
        with gpu_errors_named("translate a batch"):
            buffers.downloaded.synchronize()
            compute_ms = float(buffers.started.time_till(buffers.computed))
            copy_ms = float(buffers.given.time_till(buffers.uploaded))
            copy_ms += float(buffers.returning.time_till(buffers.downloaded))
        before = self.gpu_times or GpuTimes(0.0, 0.0)
        self.gpu_times = GpuTimes(
            before.compute_s + compute_ms / 1000.0, before.copy_s + copy_ms / 1000.0
        )

    def _close(self) -> None:
        """Wait for running work, then free everything in reverse order."""
        try:
            self.free_slots()
        finally:
            self._engine = self._runtime = None
            self._owned.close()

    def _try_slots(self, count: int) -> list[Slot]:
        if self._context is None:
            self._make_context()
        shape = (self.info.max_batch, self.info.height, self.info.width, 3)
        made = []
        for _ in range(count):
            buffers = SlotBuffers(self._memory, shape)
            self._buffers[buffers.slot] = buffers
            made.append(buffers.slot)
        return made

    def _make_context(self) -> None:
        """Make the execution context, with memory for the activations of `max_batch` pictures."""
        strategy = self._library.api.ExecutionContextAllocationStrategy.USER_MANAGED
        self._context = self._library.need(
            self._engine.create_execution_context(strategy), "make an execution context"
        )
        with gpu_errors_named(f"translate {self.info.max_batch} pictures at a time"):
            self._set_count(self.info.max_batch)
            self._compute = cuda.Stream()

    def _translate(self, buffers: SlotBuffers, count: int) -> None:
        if count != self._count:
            self._set_count(count)
        for name, memory in ((INPUT_NAME, buffers.input), (OUTPUT_NAME, buffers.output)):
            self._library.need(
                self._context.set_tensor_address(name, int(memory)), f"use the memory of {name!r}"
            )
        self._library.need(
            self._context.execute_async_v3(self._compute.handle), f"run a batch of {count}"
        )

    def _set_count(self, count: int) -> None:
        shape = (count, self.info.height, self.info.width, 3)
        self._library.need(
            self._context.set_input_shape(INPUT_NAME, shape), f"take a batch of {count}"
        )
        self._count = count
        num_bytes = self._context.update_device_memory_size_for_shapes()
        if num_bytes > self._activation_bytes:
            memory = device_memory(self._memory, num_bytes)
            self._context.set_device_memory(int(memory), num_bytes)
            self._activation_bytes = num_bytes

    def _buffers_of(self, slot: Slot) -> SlotBuffers:
        if slot not in self._buffers:
            raise EngineError("this slot belongs to no open engine")
        return self._buffers[slot]

    def free_slots(self) -> None:
        """Wait for running work, then free all slots; new ones can be made."""
        streams = [buffers.copies for buffers in self._buffers.values()]
        if self._compute is not None:
            streams.append(self._compute)
        for stream in streams:
            # `wait` reports failures.
            with contextlib.suppress(EngineError), gpu_errors_named("end its work"):
                stream.synchronize()
        self._buffers.clear()
        self._kept_slots = ()
        self._compute = self._context = None
        self._count = self._activation_bytes = 0
        self._memory.close()
