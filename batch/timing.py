"""Where the time of a run goes: how long each stage takes, and pictures over time."""

import math
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pmsgan.engine.interface import Engine

Stage = Literal["read", "decode", "resize", "copy", "run", "encode", "write"]
"""In the order in which a picture meets them; copy is to and from a GPU."""
STAGES: tuple[Stage, ...] = get_args(Stage)

MAX_SPANS = 120
"""Constants of `Throughput`."""
_BIN_WIDTH = math.log(1.02)
_SHORTEST_S = 1e-7


class Durations:
    """Durations of a repeated task, in constant memory.

    Durations are counted in bins that are 2 % wide, so quantiles are within 1 % of the truth.
    """

    def __init__(self) -> None:
        """Start with none."""
        self.count = 0
        self.total_s = 0.0
        self._bins: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self.total_s += seconds
        self._bins[math.floor(math.log(max(seconds, _SHORTEST_S)) / _BIN_WIDTH)] += 1

    def merge(self, other: "Durations") -> None:
        """Add the durations of another record."""
        self.count += other.count
        self.total_s += other.total_s
        self._bins.update(other._bins)

    def quantile(self, share: float) -> float:
        """Return the duration [seconds] that `share` (0..1) of all do not exceed; NaN if none."""
        wanted, seen = share * self.count, 0
        for place in sorted(self._bins):
            seen += self._bins[place]
            if seen >= wanted:
                return math.exp((place + 0.5) * _BIN_WIDTH)
        return math.nan

    def to_json(self) -> dict[str, Any]:
        """Return count, sum [seconds], and quantiles [milliseconds], which are null if none."""
        quantiles = {"p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
        return {
            "count": self.count,
            "busy_s": self.total_s,
        } | {
            f"{name}_ms": 1e3 * self.quantile(share) if self.count else None
            for name, share in quantiles.items()
        }


class Stopwatch:
    """Counts the time spent in its `with` block; a generator would take three times as long."""

    __slots__ = ("_durations", "_start")

    def __init__(self, durations: Durations) -> None:
        """Count into `durations`."""
        self._durations = durations
        self._start = 0.0

    def __enter__(self) -> None:
        """Start."""
        self._start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        """Stop, and count."""
        self._durations.add(time.perf_counter() - self._start)


class StageTimes:
    """The durations of each stage, of one thread or merged; nothing here is locked."""

    def __init__(self) -> None:
        """Start with none."""
        self.stages: dict[Stage, Durations] = {stage: Durations() for stage in STAGES}

    def measure(self, stage: Stage) -> "Stopwatch":
        """Count the time spent inside, also where it ends in an error."""
        return Stopwatch(self.stages[stage])

    def merge(self, other: "StageTimes") -> None:
        """Add the durations of another record."""
        for stage, durations in other.stages.items():
            self.stages[stage].merge(durations)


class Throughput:
    """How many pictures ended in each of at most `MAX_SPANS` spans of equal length."""

    def __init__(self) -> None:
        """Start with short spans; they are doubled when they no longer suffice."""
        self.span_s = 0.25
        self.counts: list[int] = []

    def add(self, since_start_s: float, count: int = 1) -> None:
        """Count one or more pictures that ended at that time."""
        while (place := int(since_start_s / self.span_s)) >= MAX_SPANS:
            self.span_s *= 2.0
            self.counts = [sum(self.counts[i : i + 2]) for i in range(0, len(self.counts), 2)]
        self.counts += [0] * (place + 1 - len(self.counts))
        self.counts[place] += count

    def merge(self, other: "Throughput", started_s: float) -> None:
        """Add the counts of another record that was started at that time."""
        for place, count in enumerate(other.counts):
            self.add(started_s + (place + 0.5) * other.span_s, count)

    def to_json(self) -> dict[str, Any]:
        """Return the length of a span [seconds] and the count in each; the last is not whole."""
        return {"span_s": self.span_s, "pictures": self.counts}


@dataclass(slots=True)
class Timing:
    """Where the time of a run went."""

    wall_s: float = 0.0
    """From start to end [seconds]."""
    cpu_s: float = 0.0
    """Processor time of the whole process [seconds]."""
    warm_up_s: float = 0.0
    """The engine's first batch [seconds], which may take longer than others and is kept apart."""
    stages: StageTimes = field(default_factory=StageTimes)
    """Times for each picture; copy and run for each batch but the first, on a GPU by its clock."""
    throughput: Throughput = field(default_factory=Throughput)
    """Pictures over time."""


class EngineClock:
    """Notes the stages run and copy, and the first batch apart from the others.

    Batches end in the order in which they are submitted. So the engine works on one from when it is
    submitted, or from when the one before it ends, whichever is later. A GPU's own clock is more
    precise, and separates computing from copying.
    """

    def __init__(self, engine: Engine, timing: Timing) -> None:
        """Note into `timing`."""
        self._engine = engine
        self._timing = timing
        self._gpu = engine.gpu_times
        self._submitted: deque[float] = deque()
        self._last_end: float | None = None

    def submit(self) -> None:
        """Note that a batch is about to be submitted."""
        self._submitted.append(time.perf_counter())

    def end(self) -> None:
        """Note that the batch that was submitted first has ended."""
        now, before, gpu = time.perf_counter(), self._gpu, self._engine.gpu_times
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
