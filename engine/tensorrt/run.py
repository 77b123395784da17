"""Run a plan; the copies of one slot overlap with the computation of another.

Each slot has a stream of its own for its copies; one stream computes for all slots. Events pass a
slot from one stream to the other: given -> uploaded -> started -> computed -> returning ->
downloaded.
"""

import logging
import re
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import Any

import pycuda.driver as cuda

from pmsgan.counts import count
from pmsgan.engine.interface import Engine, EngineCosts, EngineInfo, GpuTimes, Slot
from pmsgan.engine.layer_times import LayerTimes
from pmsgan.engine.named_graph import INPUT_NAME, OUTPUT_NAME
from pmsgan.engine.tensorrt.buffers import (
    Gpu,
    GpuMemoryError,
    SlotBuffers,
    SlotMemory,
    gpu_errors_named,
    leave_context,
    quiet_stderr,
)
from pmsgan.engine.tensorrt.kernels import KernelCache
from pmsgan.engine.tensorrt.plan import EnginePlanKey
from pmsgan.engine.tensorrt.product import Library
from pmsgan.engine.tensorrt.profile import inspect_layers, layers_of, make_profiler
from pmsgan.errors import EngineError

_MEMORY_FAULT = re.compile(r"out ?of ?memory|insufficient memory|memory ?alloc", re.IGNORECASE)
"""The words of TensorRT's log for too little memory."""

_log = logging.getLogger(__name__)


class TensorRtEngine(Engine):
    """A plan on the GPU; its CUDA context must stay current while the engine is open."""

    def __init__(
        self,
        library: Library,
        plan: bytes,
        key: EnginePlanKey,
        gpu: Gpu,
        owned: ExitStack,
        engines_per_gpu: int = 1,
    ) -> None:
        """Load a plan.

        Args:
            library: the product that built it.
            plan: the serialised plan.
            key: the key of the plan.
            gpu: the GPU to run on.
            owned: resources that the engine closes last; it takes them over if it succeeds.
            engines_per_gpu: engines that share the GPU's memory evenly.

        Raises:
            EngineError: TensorRT refuses the plan.
        """
        self._library = library
        self.build_s = 0.0
        """Time that the plan's build took [seconds]."""
        self._plan_bytes = len(plan)
        self._free_bytes = _free_bytes()
        self._runtime = library.make("Runtime", library.log)
        self._engine = library.require(
            self._runtime.deserialize_cuda_engine(plan), "load the engine that it has built"
        )
        self.kernels = KernelCache(library, key, gpu) if library.product.builds_ahead else None
        """Compiled kernels of TensorRT for RTX on this GPU; None with TensorRT."""
        self.compiles_ahead = False
        """Whether TensorRT for RTX compiles its best kernels before the first batch, not beside."""
        self.graphs: bool | None = None
        """Whether batches are CUDA graphs; None uses the cached measurement."""
        self._memory = SlotMemory(engines_per_gpu)
        self._buffers: dict[Slot, SlotBuffers] = {}
        self._context: Any = None
        self._compute: Any = None
        self._count = 0
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

    def costs(self) -> EngineCosts:
        """Return the cost of building and holding it; other users of the GPU distort it."""
        return EngineCosts(
            build_s=self.build_s,
            file_bytes=self._plan_bytes,
            gpu_bytes=max(0, self._free_bytes - _free_bytes()),
        )

    @property
    def compute_s(self) -> float:
        """Time that the GPU has spent translating so far, by its own clock [seconds]."""
        return 0.0 if self.gpu_times is None else self.gpu_times.compute_s

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

    def _time_layers(self, num_batches: int) -> LayerTimes:
        """Time single batches with TensorRT's profiler, which sees no layers in a CUDA graph."""
        profiler = make_profiler(self._library)
        compiles_ahead = self.compiles_ahead
        self.free_slots()
        self.compiles_ahead, self.graphs = True, False
        try:
            (slot,) = self.slots(1)
            buffers, batch = self._buffers_of(slot), self.info.max_batch
            described = inspect_layers(self._library, self._engine, self._context)
            self._context.profiler = profiler
            with gpu_errors_named("time its layers"):
                for _ in range(num_batches):
                    profiler.begin_batch()
                    self._translate(buffers, batch)
                    self._compute.synchronize()
        finally:
            self.free_slots()  # with the context, which refers to the profiler
            self.compiles_ahead, self.graphs = compiles_ahead, None
        if not (layers := layers_of(profiler.batches, described)):
            raise EngineError(f"{self.info.runtime} reports no layer times for this engine")
        return LayerTimes(batch=batch, num_batches=num_batches, layers=layers)

    def _close(self) -> None:
        """Wait for running work, then free everything in reverse order."""
        is_lost = True
        try:
            is_lost = self._free_slots()
        finally:
            self._engine = self._runtime = None
            with quiet_stderr() if is_lost else nullcontext():
                self._owned.close()

    def _abandon(self) -> None:
        """Leave all memory to the end of the process: the GPU's context owns the slots, too."""
        leave_context(self, self._memory.pop_all(), self._owned.pop_all())

    def _try_slots(self, count: int) -> list[Slot]:
        if is_first := self._context is None:
            self._make_context()
        shape = (self.info.max_batch, self.info.height, self.info.width, 3)
        made = []
        for _ in range(count):
            buffers = SlotBuffers(self._memory, shape)
            self._buffers[buffers.slot] = buffers
            made.append(buffers.slot)
        if is_first and made:
            self._warm_up(self._buffers[made[0]])
        return made

    def _make_context(self) -> None:
        """Make the execution context, with memory for the activations of `max_batch` pictures."""
        how: Any = self._library.api.ExecutionContextAllocationStrategy.USER_MANAGED
        if self.kernels is not None:
            how = self.kernels.make_config(
                self._engine, ahead=self.compiles_ahead, graphs=self.graphs
            )
        self._context = self._require(
            self._engine.create_execution_context(how), "make an execution context"
        )
        with gpu_errors_named(f"translate {count(self.info.max_batch, 'picture')} at a time"):
            self._set_count(self.info.max_batch)
            self._give_memory()
            self._compute = cuda.Stream()

    def _give_memory(self) -> None:
        """Give the context memory for the shapes that are set; smaller batches need no more.

        A context forgets its memory when it is asked for the size, so this happens once.
        """
        # 0 means an error or no need; the size of the whole engine is right in both cases.
        num_bytes = (
            self._context.update_device_memory_size_for_shapes()
            or self._engine.device_memory_size_v2
        )
        if num_bytes > 0:
            memory = self._memory.on_gpu(num_bytes)
            self._context.set_device_memory(int(memory), num_bytes)

    def _warm_up(self, buffers: SlotBuffers) -> None:
        """Run a full batch, since batches can still become smaller if memory runs out now."""
        with gpu_errors_named(f"translate {count(self.info.max_batch, 'picture')} at a time"):
            self._translate(buffers, self.info.max_batch)
            self._compute.synchronize()

    def _translate(self, buffers: SlotBuffers, count: int) -> None:
        if count != self._count:
            self._set_count(count)
        for name, memory in ((INPUT_NAME, buffers.input), (OUTPUT_NAME, buffers.output)):
            self._require(
                self._context.set_tensor_address(name, int(memory)), f"use the memory of {name!r}"
            )
        self._require(
            self._context.execute_async_v3(self._compute.handle), f"run a batch of {count}"
        )

    def _set_count(self, count: int) -> None:
        shape = (count, self.info.height, self.info.width, 3)
        self._require(self._context.set_input_shape(INPUT_NAME, shape), f"take a batch of {count}")
        self._count = count

    def _require(self, result: Any, task: str) -> Any:
        """Do what `Library.need` does; too little memory is a GpuMemoryError."""
        try:
            return self._library.require(result, task)
        except EngineError as error:
            if _MEMORY_FAULT.search(str(error)):
                raise GpuMemoryError(str(error)) from error
            raise

    def _buffers_of(self, slot: Slot) -> SlotBuffers:
        if slot not in self._buffers:
            raise EngineError("this slot belongs to no open engine")
        return self._buffers[slot]

    def free_slots(self) -> None:
        """Wait for running work, then free all slots; new ones can be made."""
        self._free_slots()

    def _free_slots(self) -> bool:
        """Do what `free_slots` does; return whether the GPU is lost."""
        is_lost = not self._end_work()
        if self.kernels is not None and not is_lost:
            self.kernels.keep()
        with quiet_stderr() if is_lost else nullcontext():
            self._buffers.clear()
            self._cached_slots = ()
            self._compute = self._context = None
            self._count = 0
            self._memory.close()
        return is_lost

    def _end_work(self) -> bool:
        """Wait for all streams; return whether they could be waited for."""
        streams = [buffers.copies for buffers in self._buffers.values()]
        if self._compute is not None:
            streams.append(self._compute)
        is_lost = False
        while streams:
            try:
                with gpu_errors_named("end its work"):
                    streams.pop().synchronize()
            except EngineError:  # `wait` reports failures
                is_lost = True
        return not is_lost


def _free_bytes() -> int:
    """Return the GPU's free memory [bytes]."""
    with gpu_errors_named("tell its free memory"):
        return int(cuda.mem_get_info()[0])
