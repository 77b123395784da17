"""How long the engine works on each batch."""

import time
from collections import deque

from pmsgan.batch.timing import Timing
from pmsgan.engine.interface import Engine


class EngineClock:
    """Notes the stages run and copy, and the first batch apart from the others.

    Batches end in the order in which they are submitted. So the engine works on one from when it is
    submitted, or from when the one before it ends, whichever is later. A GPU's own clock says it
    more precisely, and tells computing from copying.
    """

    def __init__(self, engine: Engine, timing: Timing) -> None:
        """Note into `timing`."""
        self._engine = engine
        self._timing = timing
        self._gpu = engine.gpu
        self._submitted: deque[float] = deque()
        self._last_end: float | None = None

    def submit(self) -> None:
        """Say that a batch is going to be submitted."""
        self._submitted.append(time.perf_counter())

    def end(self) -> None:
        """Say that the batch that was submitted first has ended."""
        now, before, gpu = time.perf_counter(), self._gpu, self._engine.gpu
        start = max(self._submitted.popleft(), self._last_end or 0.0)
        is_first, self._last_end, self._gpu = self._last_end is None, now, gpu
        stages = self._timing.stages.stages
        if is_first:
            self._timing.warm_up_s = now - start
        elif gpu is None or before is None:
            stages["run"].add(now - start)
        else:
            stages["run"].add(gpu.compute_s - before.compute_s)
            stages["copy"].add(gpu.copy_s - before.copy_s)
