"""Measure how fast the GPU reads and writes its own memory."""

from contextlib import ExitStack

import pycuda.driver as cuda

from pmsgan.engine.tensorrt.buffers import SlotMemory, gpu_context, gpu_errors_named

COPY_BYTES = 256 << 20
"""More than any cache of a GPU holds."""
NUM_COPIES = 10


def memory_gb_per_s() -> float:
    """Return the bandwidth of the first GPU's memory, by copies within it [10^9 bytes per second].

    A copied byte counts twice, since it is read and written. The fastest copy counts, since others
    may use the GPU.

    Raises:
        EngineError: there is no working GPU, or it has too little memory.
    """
    with ExitStack() as stack:
        stack.enter_context(gpu_context())
        with gpu_errors_named("copy within its memory"):
            memory = stack.enter_context(SlotMemory())
            source, target = (memory.on_gpu(COPY_BYTES) for _ in range(2))
            stream, start, end = cuda.Stream(), cuda.Event(), cuda.Event()
            milliseconds = []
            for _ in range(1 + NUM_COPIES):  # the first one warms up
                start.record(stream)
                cuda.memcpy_dtod_async(target, source, COPY_BYTES, stream)
                end.record(stream)
                end.synchronize()
                milliseconds.append(float(start.time_till(end)))
            del stream, start, end
    return 2 * COPY_BYTES / min(milliseconds[1:]) / 1e6
