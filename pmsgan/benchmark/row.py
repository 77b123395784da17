"""The figures of one contender in a benchmark."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pmsgan.batch.comparison.baseline import Baseline, Timings
from pmsgan.benchmark.config import PEERS
from pmsgan.benchmark.work import OWN_NETWORK, Work
from pmsgan.engine.accuracy import Accuracy
from pmsgan.engine.interface import Engine, EngineCosts, EngineInfo
from pmsgan.spread import Spread


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Time from a single picture to its translation, in memory."""

    count: int
    """Number of pictures that were timed."""
    p50_ms: float
    """Median [milliseconds]."""
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One contender at one size and one batch."""

    title: str
    size: str
    """Width x height."""
    batch: int
    """Pictures in a slot; an engine that lacks memory halves the batch."""
    runtime: str
    device: str
    precision: str
    in_memory: Spread
    """Pictures per second, in memory, with copies to and from a GPU."""
    files_to_files: Spread
    """Pictures per second, files to files."""
    gpu_pictures_per_s: float | None
    """Throughput without copies, by the GPU's own clock; None without a GPU."""
    latency: Latency | None
    """Latency of single pictures, batches of 1; None if it was not measured."""
    speedup: Spread | None
    """How many times as fast the first backend is, in memory; None for the first backend."""
    speedup_files_to_files: Spread | None
    """How many times as fast the first backend is, files to files."""
    accuracy: Accuracy | None
    """The results compared with eager PyTorch in FP32; None without a reference."""
    gflop_per_s: float | None
    """Operations per second, in memory [10^9]."""
    matrix_share: float | None
    """Share of the rate that a matrix product in this precision reaches here (0..1)."""
    memory_share: float | None
    """Share of the bandwidth of the GPU's memory that the reads and writes of products and
    convolutions take (0..1); an engine that moves more data takes more."""
    costs: EngineCosts | None
    """The cost of building and holding the engine; None if it is not known."""

    def to_json(self) -> dict[str, Any]:
        """Return the row for JSON."""
        return asdict(self) | {"accuracy": self.accuracy and self.accuracy.to_json()}


def engine_row(engine: Engine, baselines: Sequence[Baseline], work: Work | None) -> Row:
    """Return the row of the first backend, over its runs beside all contenders."""

    def spread(kind: str) -> Spread:
        timings: list[Timings] = [getattr(base, kind) for base in baselines]
        return Spread.of(
            timing.num_pictures / seconds for timing in timings for seconds in timing.engine_s
        )

    info = engine.info
    on_gpu = [base.gpu_pictures_per_s for base in baselines if base.gpu_pictures_per_s is not None]
    in_memory = spread("in_memory")
    return Row(
        title=f"{info.backend}, {info.precision}",
        size=f"{info.width}x{info.height}",
        batch=info.max_batch,
        runtime=info.runtime,
        device=info.device,
        precision=info.precision,
        in_memory=in_memory,
        files_to_files=spread("files_to_files"),
        gpu_pictures_per_s=Spread.of(on_gpu).median if on_gpu else None,
        latency=_latency([seconds for base in baselines for seconds in base.engine_single_s]),
        speedup=None,
        speedup_files_to_files=None,
        accuracy=baselines[0].engine_accuracy,
        costs=engine.costs(),
        **_shares(work, OWN_NETWORK, info.precision, in_memory),
    )


def compared_row(engine: EngineInfo, baseline: Baseline, work: Work | None) -> Row:
    """Return the row of a contender."""
    info, in_memory = baseline.compared, baseline.in_memory.compared_pictures_per_s
    network = baseline.title.partition(",")[0]
    if network not in PEERS:
        network = OWN_NETWORK
    return Row(
        title=baseline.title,
        size=f"{engine.width}x{engine.height}",
        batch=info.max_batch,
        runtime=info.runtime,
        device=info.device,
        precision=info.precision,
        in_memory=in_memory,
        files_to_files=baseline.files_to_files.compared_pictures_per_s,
        gpu_pictures_per_s=None,
        latency=_latency(baseline.compared_single_s),
        speedup=baseline.in_memory.speedup,
        speedup_files_to_files=baseline.files_to_files.speedup,
        accuracy=baseline.compared_accuracy,
        costs=baseline.compared_costs,
        **_shares(work, network, info.precision, in_memory),
    )


def _latency(seconds: Sequence[float]) -> Latency | None:
    if not seconds:
        return None
    p50, p95, p99 = (float(value) for value in np.percentile(np.array(seconds) * 1e3, (50, 95, 99)))
    return Latency(count=len(seconds), p50_ms=p50, p95_ms=p95, p99_ms=p99)


def _shares(
    work: Work | None, network: str, precision: str, pictures_per_s: Spread
) -> dict[str, float | None]:
    """Return the rate of operations, and its shares of the ceilings, as `Row` has them."""
    if work is None or network not in work.network_gflop:
        return {"gflop_per_s": None, "matrix_share": None, "memory_share": None}
    gflop_per_s = pictures_per_s.median * work.network_gflop[network]
    gb = work.network_gvalues[network] * (4 if precision == "fp32" else 2)
    matrix = work.ceilings.matrix_gflop_per_s.get(precision)
    memory = work.ceilings.memory_gb_per_s
    return {
        "gflop_per_s": gflop_per_s,
        "matrix_share": None if matrix is None else gflop_per_s / matrix,
        "memory_share": None if memory is None else pictures_per_s.median * gb / memory,
    }
