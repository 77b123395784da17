"""The results of a benchmark as a table, as Markdown and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pmsgan
from pmsgan.batch.comparison.baseline import Baseline, Timings
from pmsgan.benchmark.config import PEERS, BenchmarkConfig
from pmsgan.benchmark.work import OWN_NETWORK, Work
from pmsgan.counts import count
from pmsgan.engine.accuracy import Accuracy
from pmsgan.engine.interface import EngineInfo
from pmsgan.engine.machine import Machine
from pmsgan.spread import Spread, digits


@dataclass(frozen=True, slots=True)
class Missing:
    """A contender that was not measured."""

    title: str
    size: str
    reason: str
    is_failure: bool
    """The contender can run here, but failed."""


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

    def to_json(self) -> dict[str, Any]:
        """Return the row for JSON."""
        return asdict(self) | {"accuracy": self.accuracy and self.accuracy.to_json()}


def engine_row(engine: EngineInfo, baselines: Sequence[Baseline], work: Work | None) -> Row:
    """Return the row of the first backend, over its runs beside all contenders."""

    def spread(kind: str) -> Spread:
        timings: list[Timings] = [getattr(base, kind) for base in baselines]
        return Spread.of(it.num_pictures / seconds for it in timings for seconds in it.engine_s)

    on_gpu = [base.gpu_pictures_per_s for base in baselines if base.gpu_pictures_per_s is not None]
    in_memory = spread("in_memory")
    gflop_per_s, share = _rates(work, OWN_NETWORK, engine.precision, in_memory)
    return Row(
        title=f"{engine.backend}, {engine.precision}",
        size=f"{engine.width}x{engine.height}",
        batch=engine.max_batch,
        runtime=engine.runtime,
        device=engine.device,
        precision=engine.precision,
        in_memory=in_memory,
        files_to_files=spread("files_to_files"),
        gpu_pictures_per_s=Spread.of(on_gpu).median if on_gpu else None,
        speedup=None,
        speedup_files_to_files=None,
        accuracy=baselines[0].engine_accuracy,
        gflop_per_s=gflop_per_s,
        matrix_share=share,
    )


def compared_row(engine: EngineInfo, baseline: Baseline, work: Work | None) -> Row:
    """Return the row of a contender."""
    info, in_memory = baseline.compared, baseline.in_memory.compared_pictures_per_s
    network = baseline.title.partition(",")[0]
    if network not in PEERS:
        network = OWN_NETWORK
    gflop_per_s, share = _rates(work, network, info.precision, in_memory)
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
        speedup=baseline.in_memory.speedup,
        speedup_files_to_files=baseline.files_to_files.speedup,
        accuracy=baseline.compared_accuracy,
        gflop_per_s=gflop_per_s,
        matrix_share=share,
    )


def _rates(
    work: Work | None, network: str, precision: str, pictures_per_s: Spread
) -> tuple[float | None, float | None]:
    if work is None or network not in work.network_gflop:
        return None, None
    gflop_per_s = pictures_per_s.median * work.network_gflop[network]
    limit = work.matrix_gflop_per_s.get(precision)
    return gflop_per_s, None if limit is None else gflop_per_s / limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """All rows of a benchmark."""

    style: str
    machine: Machine
    config: BenchmarkConfig
    rows: tuple[Row, ...]
    """For each size and batch the first backend, then the contenders."""
    missing: tuple[Missing, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the benchmark for JSON."""
        return {
            "kind": "benchmark",
            "pmsgan": pmsgan.__version__,
            "style": self.style,
            "config": asdict(self.config),
            "machine": self.machine.to_json(),
            "rows": [row.to_json() for row in self.rows],
            "missing": [asdict(it) for it in self.missing],
        }

    def to_text(self) -> str:
        """Return a table of medians for a terminal."""
        lines = [f"style {self.style}; {self.machine}"]
        groups = ("", "", "pictures/s", "", "slower", "", "", "of a matrix")
        names = (
            "", "in memory", "files", "in memory", "files", "PSNR", "GFLOP/s", "product",
        )  # fmt: skip
        for size, batch, rows in self._cases():
            lines += ["", f"{size}, batch {batch}"]
            lines += [_line(groups), _line(names)]
            lines += [_line(_short_cells(row)) for row in rows]
        lines.append(
            "\nfiles: files to files; slower: how many times as long as the first line it takes;"
            "\nPSNR: to eager PyTorch in FP32; of a matrix product: share of the rate it reaches"
        )
        return "\n".join([*lines, *self._missing_lines()])

    def to_markdown(self) -> str:
        """Return tables with spreads."""
        rounds = self.config.num_rounds
        machine = self.machine
        packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
        lines = [
            f"# Benchmark of the style {self.style}",
            "",
            f"{machine}; {machine.system}; Python {machine.python}; pmsgan {pmsgan.__version__}; "
            f"{packages}. {count(rounds, 'round')}; in each, a contender "
            "and the first engine of its table run in turn: median (lowest .. highest).",
        ]
        names = (
            "", "pictures/s, in memory", "ms/picture", "pictures/s, files to files",
            "times slower, in memory", "times slower, files to files", "PSNR to eager FP32",
            "largest difference, grey levels", "GFLOP/s", "of a matrix product",
        )  # fmt: skip
        for size, batch, rows in self._cases():
            lines += ["", f"## {size}, batch {batch}", ""]
            lines += [_markdown_line(names), _markdown_line(["---"] * len(names))]
            lines += [_markdown_line(_long_cells(row)) for row in rows]
        return "\n".join([*lines, *self._missing_lines()]) + "\n"

    def _cases(self) -> list[tuple[str, int, list[Row]]]:
        """Return the rows of each size and batch."""
        cases: dict[tuple[str, int], list[Row]] = {}
        for row in self.rows:
            is_first = row.speedup is None
            key = (row.size, row.batch) if is_first else next(reversed(cases))
            cases.setdefault(key, []).append(row)
        return [(*key, rows) for key, rows in cases.items()]

    def _missing_lines(self) -> list[str]:
        if not self.missing:
            return []
        reasons = dict.fromkeys(f"not measured: {it.title}: {it.reason}" for it in self.missing)
        return ["", *(f"{reason}  " for reason in reasons)]


def _short_cells(row: Row) -> list[str]:
    slower = [row.speedup, row.speedup_files_to_files]
    return [
        row.title,
        digits(row.in_memory.median),
        digits(row.files_to_files.median),
        *("" if spread is None else digits(spread.median) for spread in slower),
        "" if row.accuracy is None else row.accuracy.decibels,
        "" if row.gflop_per_s is None else digits(row.gflop_per_s),
        "" if row.matrix_share is None else f"{row.matrix_share:.0%}",
    ]


def _long_cells(row: Row) -> list[str]:
    accuracy = row.accuracy
    return [
        row.title,
        str(row.in_memory),
        digits(1e3 / row.in_memory.median),
        str(row.files_to_files),
        "" if row.speedup is None else str(row.speedup),
        "" if row.speedup_files_to_files is None else str(row.speedup_files_to_files),
        "" if accuracy is None else accuracy.decibels,
        "" if accuracy is None else str(accuracy.max_difference),
        "" if row.gflop_per_s is None else digits(row.gflop_per_s),
        "" if row.matrix_share is None else f"{row.matrix_share:.0%}",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"{cells[0]:<26}" + "".join(f"{cell:>11}" for cell in cells[1:])


def _markdown_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
