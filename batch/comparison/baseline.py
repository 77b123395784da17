"""Compare an engine with others on the same pictures, one after the other."""

import logging
import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pmsgan.batch.comparison.child import ComparisonProcess, Contender
from pmsgan.batch.comparison.deadline import Deadline
from pmsgan.batch.comparison.workload import Workload
from pmsgan.engine.accuracy import Accuracy, Pictures, compare
from pmsgan.engine.choices import Precision
from pmsgan.engine.interface import Engine, EngineCosts, EngineInfo
from pmsgan.engine.machine import computes_bf16
from pmsgan.errors import EngineError
from pmsgan.spread import Spread
from pmsgan.styles.registry import Style

NUM_REPEATS = 3
"""How often each side runs the workload; the median counts."""
RUN_S = 2.0
"""Target duration of a run of the compared engine [seconds], unless one batch takes longer."""
RUNS_TO_COME = 9
"""Approximate number of runs of a contender that follow once its speed is known."""
FEWEST_RUNS = 4
"""Number of runs that a comparison needs at least, once the contender is warm."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """Seconds that both sides took for the same pictures, one after the other, in each run."""

    num_pictures: int
    engine_s: tuple[float, ...] = ()
    compared_s: tuple[float, ...] = ()
    gpu_s: tuple[float, ...] = ()
    """The network's part of `engine_s`, by the GPU's own clock; empty without a GPU."""

    def __add__(self, later: "Timings") -> "Timings":
        """Return the runs of both, which must be of the same pictures."""
        return Timings(
            num_pictures=self.num_pictures,
            engine_s=self.engine_s + later.engine_s,
            compared_s=self.compared_s + later.compared_s,
            gpu_s=self.gpu_s + later.gpu_s,
        )

    @property
    def engine_pictures_per_s(self) -> Spread:
        """Throughput of the engine over all runs."""
        return Spread.of(self.num_pictures / seconds for seconds in self.engine_s)

    @property
    def compared_pictures_per_s(self) -> Spread:
        """Throughput of the compared engine over all runs."""
        return Spread.of(self.num_pictures / seconds for seconds in self.compared_s)

    @property
    def speedup(self) -> Spread:
        """How many times as fast as the compared engine the engine is, over all runs."""
        return Spread.of(b / a for a, b in zip(self.engine_s, self.compared_s, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return the measured seconds and the figures that follow from them, for JSON."""
        return asdict(self) | {
            name: asdict(getattr(self, name))
            for name in ("engine_pictures_per_s", "compared_pictures_per_s", "speedup")
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """An engine and the one that it is compared with, on the same pictures."""

    title: str
    """Name of the compared engine in tables."""
    compared: EngineInfo
    in_memory: Timings
    """Pictures in memory, with copies to and from a GPU."""
    files_to_files: Timings
    """Files to files: both sides run the same folder conversion."""
    engine_accuracy: Accuracy | None
    """The engine's results compared with those of the baseline in FP32; None without one."""
    compared_accuracy: Accuracy | None
    """The compared engine's results compared with the same reference."""
    engine_single_s: tuple[float, ...] = ()
    """Seconds that the engine took for each of several single pictures, in memory."""
    compared_single_s: tuple[float, ...] = ()
    """The same for the compared engine."""
    compared_costs: EngineCosts | None = None

    @property
    def gpu_pictures_per_s(self) -> float | None:
        """Throughput of the engine without copies, by the GPU's own clock; None without a GPU."""
        gpu_s = self.in_memory.gpu_s
        return self.in_memory.num_pictures / statistics.median(gpu_s) if gpu_s else None

    def to_json(self) -> dict[str, Any]:
        """Return the baseline for JSON."""
        return {
            "title": self.title,
            "compared": asdict(self.compared),
            "in_memory": self.in_memory.to_json(),
            "files_to_files": self.files_to_files.to_json(),
            "gpu_pictures_per_s": self.gpu_pictures_per_s,
            "engine_accuracy": self.engine_accuracy and self.engine_accuracy.to_json(),
            "compared_accuracy": self.compared_accuracy and self.compared_accuracy.to_json(),
        }


def eager_contenders(engine: EngineInfo) -> tuple[Contender, ...]:
    """Return the eager PyTorch configurations to compare an engine with.

    They are FP32, and the fastest that eager PyTorch offers: channels last, with autocast to the
    precision that this processor is fast in.
    """
    precisions: tuple[Precision, ...] = ("fp32",)
    match engine.precision:
        case "fp16":
            precisions += ("fp16",)
        case "int8" if engine.backend != "openvino":
            precisions += ("fp16",)
        case "int8" if not computes_bf16():
            pass  # autocast to it would be slower than FP32
        case "bf16" | "int8":
            precisions += ("bf16",)
    return tuple(Contender(backend="eager", precision=precision) for precision in precisions)


def baseline_contenders(engine: EngineInfo, style: Style) -> tuple[Contender, ...]:
    """Return the contenders for an engine of a style; the first is the reference, in FP32.

    It is eager PyTorch or, for a style whose network came as an ONNX file, ONNX Runtime.
    """
    if style.baseline_backend == "onnxruntime":
        return (Contender(backend="onnxruntime", precision="fp32"),)
    return eager_contenders(engine)


def measure_baselines(
    engine: Engine, workload: Workload, deadline: Deadline | None = None
) -> Iterator[Baseline]:
    """Compare an open engine with the baseline in FP32, then with the fastest eager PyTorch.

    Args:
        engine: an engine that is not busy.
        workload: the pictures for both.
        deadline: when to end; the second comparison begins only if there is as much time left as
            the first one took.

    Raises:
        EngineError: the baseline is not installed, the child failed, or there was too little time.
    """
    deadline = deadline or Deadline()
    reference: Pictures | None = None
    for contender in baseline_contenders(engine.info, workload.style):
        if reference is not None and not deadline.allows(deadline.elapsed_s):
            raise _too_slow(contender)
        _log.info("measuring %s", contender.title)
        baseline, reference = measure_against(
            engine, contender, workload, reference=reference, deadline=deadline
        )
        yield baseline


def measure_against(
    engine: Engine,
    contender: Contender,
    workload: Workload,
    *,
    num_repeats: int = NUM_REPEATS,
    num_threads: int | None = None,
    reference: Pictures | None = None,
    before: Baseline | None = None,
    deadline: Deadline | None = None,
    single_s: float = 0.0,
) -> tuple[Baseline, Pictures | None]:
    """Compare an open engine with one contender.

    Args:
        engine: an engine that is not busy.
        contender: the engine to compare with; it runs in a child process.
        workload: the pictures for both; a slow contender gets only some of them.
        num_repeats: how often each side runs the workload.
        num_threads: threads that the contender computes with; by default one for each core.
        reference: the results of the baseline in FP32 for the first pictures, if they are known.
        before: an earlier comparison of the same two; its runs become part of the result.
        deadline: when to end; each side runs the workload once at least.
        single_s: how long each side translates pictures one by one; 0 leaves that out.

    Returns:
        The comparison, and the reference: the results of a contender that is the baseline in
        FP32, else the given reference.

    Raises:
        EngineError: the contender cannot run here, or the child failed.
    """
    batch = engine.info.max_batch
    deadline = deadline or Deadline()
    with ComparisonProcess(contender, workload, batch, num_threads, deadline) as process:
        engine.cached_slots(workload.parallelism.slots)
        count = (
            before.in_memory.num_pictures
            if before
            else _count(workload, contender, batch, process, deadline)
        )
        pair = _Pair(engine, process, workload, count)
        results = pair.warm_up(min(batch, count))
        in_memory = before.in_memory if before else Timings(num_pictures=count)
        for _ in deadline.repeat(num_repeats, then=2):
            in_memory += pair.translate()
        compared_results = process.results()
        files_to_files = before.files_to_files if before else Timings(num_pictures=count)
        for _ in deadline.repeat(num_repeats):
            files_to_files += pair.convert()
        engine_single_s = before.engine_single_s if before else ()
        compared_single_s = before.compared_single_s if before else ()
        if single_s > 0:
            engine_single_s += workload.translate_singly(engine, single_s)
            compared_single_s += process.translate_singly(single_s)
        info, costs = process.info(), process.costs()
    if contender == baseline_contenders(engine.info, workload.style)[0]:
        reference = compared_results
    is_pmsgan = not contender.network
    baseline = Baseline(
        title=contender.title,
        compared=info,
        in_memory=in_memory,
        files_to_files=files_to_files,
        engine_accuracy=_accuracy(results, reference),
        compared_accuracy=_accuracy(compared_results, reference) if is_pmsgan else None,
        engine_single_s=engine_single_s,
        compared_single_s=compared_single_s,
        compared_costs=costs,
    )
    return baseline, reference


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two engines that run the same pictures, one after the other."""

    engine: Engine
    process: ComparisonProcess
    workload: Workload
    count: int

    def warm_up(self, num_pictures: int) -> Pictures:
        """Warm up both engines; return the engine's results for all pictures."""
        _, results = self.workload.translate(self.engine, self.count)
        self.process.translate(num_pictures)
        self.workload.convert(self.engine, num_pictures)
        self.process.convert(num_pictures)
        return results

    def translate(self) -> Timings:
        """Time both engines once on the pictures in memory."""
        before = self.engine.gpu_times
        engine_s, _ = self.workload.translate(self.engine, self.count)
        after = self.engine.gpu_times
        return Timings(
            num_pictures=self.count,
            engine_s=(engine_s,),
            compared_s=(self.process.translate(self.count),),
            gpu_s=(after.compute_s - before.compute_s,) if before and after else (),
        )

    def convert(self) -> Timings:
        """Time both engines once on the conversion of the files."""
        return Timings(
            num_pictures=self.count,
            engine_s=(self.workload.convert(self.engine, self.count),),
            compared_s=(self.process.convert(self.count),),
        )


def _count(
    workload: Workload,
    contender: Contender,
    batch: int,
    process: ComparisonProcess,
    deadline: Deadline,
) -> int:
    """Return how many pictures fill a run: whole batches, if there are enough pictures and time.

    Raises:
        EngineError: there is too little time even for one picture.
    """
    first_s = process.translate(1)
    if not deadline.allows(FEWEST_RUNS * first_s):
        raise _too_slow(contender)
    batch = min(batch, len(workload.pictures))
    if not deadline.allows((1 + FEWEST_RUNS) * batch * first_s):
        return 1
    seconds = statistics.median(
        process.translate(batch) for _ in deadline.repeat(2, then=RUNS_TO_COME)
    )
    run_s = min(RUN_S, deadline.left_s / RUNS_TO_COME)
    num_batches = max(1, math.floor(run_s / seconds))
    return min(num_batches, len(workload.pictures) // batch) * batch


def _too_slow(contender: Contender) -> EngineError:
    return EngineError(
        f"{contender.title} would take too long to time after this run; use pmsgan bench"
    )


def _accuracy(results: Pictures, reference: Pictures | None) -> Accuracy | None:
    if reference is None:
        return None
    count = min(len(results), len(reference))
    return compare(results[:count], reference[:count])
