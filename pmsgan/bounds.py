"""Bound the time and the memory that native code may take in this process.

A runtime that opens a graph listens neither to a timer of Python's nor to Ctrl-C; the kernel's
limits hold for it. They are for a child process: one that takes too much time is ended.
"""

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import resource

    @contextlib.contextmanager
    def _limit(kind: int, value: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(kind)
        known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(kind, (min([value, *known]), hard))
        try:
            yield
        finally:
            resource.setrlimit(kind, (soft, hard))


_STACK_BYTES = 10 * 2**20
"""The stack of a thread, which counts in full; most of it is never touched."""


@contextlib.contextmanager
def bounds(*, seconds: float, num_bytes: int) -> Iterator[None]:
    """Bound the resources that this process may take inside the block, on top of earlier ones.

    Args:
        seconds: computing time of all threads together [s]; SIGXCPU ends the process then. It is
            not the time on a clock, which says little on a busy machine.
        num_bytes: memory [bytes]; allocating more fails. Only Linux has this limit.
    """
    if sys.platform == "win32":
        yield
    else:
        used = resource.getrusage(resource.RUSAGE_SELF)
        time_s = math.ceil(used.ru_utime + used.ru_stime + seconds)
        with _limit(resource.RLIMIT_CPU, time_s), contextlib.ExitStack() as stack:
            if (data := _data_bytes()) is not None:
                stacks = (os.cpu_count() or 1) * _STACK_BYTES
                stack.enter_context(_limit(resource.RLIMIT_DATA, data + stacks + num_bytes))
            yield


def _data_bytes() -> int | None:
    """Return the memory that RLIMIT_DATA counts; None where the system does not say it."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        line = next(it for it in lines if it.startswith("VmData:"))
        return int(line.split()[1]) * 1024
    return None
