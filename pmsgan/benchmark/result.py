"""What was measured beside each other, as a table, Markdown and JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pmsgan
from pmsgan.batch.comparison.baseline import Baseline
from pmsgan.benchmark.config import BenchmarkConfig
from pmsgan.benchmark.work import Work
from pmsgan.engine.accuracy import Accuracy
from pmsgan.engine.interface import EngineInfo
from pmsgan.engine.machine import Machine
from pmsgan.spread import Spread, digits


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that was not measured."""

    title: str
    size: str
    reason: str
    is_failure: bool
    """It could have been measured here, but something went wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One contender at one size and one batch."""

    title: str
    size: str
    """Width x height."""
    batch: int
    """Pictures in a slot, after halving where memory did not suffice."""
    runtime: str
    device: str
    precision: str
    alone: Spread
    """Images a second, in memory; copies to and from a GPU included."""
    end_to_end: Spread
    """Images a second, files to files."""
    gpu_images_per_s: float | None
    """Without copies, by the GPU's own clock."""
    speedup: Spread | None
    """How many times faster the first backend is, in memory; None for itself."""
    speedup_end_to_end: Spread | None
    """Likewise, files to files."""
    accuracy: Accuracy | None
    """Against eager PyTorch in FP32; None where there is nothing to compare."""
    gflop_per_s: float | None
    """Work that was done, in memory [10^9 operations a second]."""
    matrix_share: float | None
    """Of what a matrix product in this precision reaches here (0..1)."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self) | {"accuracy": self.accuracy and self.accuracy.to_json()}


def engine_row(engine: EngineInfo, baselines: Sequence[Baseline], work: Work | None) -> Row:
    """Return the row of the first backend, with the rounds against all rivals together."""

    def spread(kind: str) -> Spread:
        turns = [getattr(base, kind) for base in baselines]
        return Spread.of(turn.num_pictures / s for turn in turns for s in turn.engine_s)

    on_gpu = [base.gpu_images_per_s for base in baselines if base.gpu_images_per_s is not None]
    alone = spread("alone")
    gflop_per_s, share = _rates(work, "PMSGAN", engine.precision, alone)
    return Row(
        title=f"{engine.backend}, {engine.precision}",
        size=f"{engine.width}x{engine.height}",
        batch=engine.max_batch,
        runtime=engine.runtime,
        device=engine.device,
        precision=engine.precision,
        alone=alone,
        end_to_end=spread("end_to_end"),
        gpu_images_per_s=Spread.of(on_gpu).median if on_gpu else None,
        speedup=None,
        speedup_end_to_end=None,
        accuracy=baselines[0].engine_accuracy,
        gflop_per_s=gflop_per_s,
        matrix_share=share,
    )


def rival_row(engine: EngineInfo, baseline: Baseline, work: Work | None) -> Row:
    """Return the row of a rival."""
    info, alone = baseline.rival, baseline.alone.rival_images_per_s
    network = "pix2pix" if baseline.title.startswith("pix2pix") else "PMSGAN"
    gflop_per_s, share = _rates(work, network, info.precision, alone)
    return Row(
        title=baseline.title,
        size=f"{engine.width}x{engine.height}",
        batch=info.max_batch,
        runtime=info.runtime,
        device=info.device,
        precision=info.precision,
        alone=alone,
        end_to_end=baseline.end_to_end.rival_images_per_s,
        gpu_images_per_s=None,
        speedup=baseline.alone.speedup,
        speedup_end_to_end=baseline.end_to_end.speedup,
        accuracy=baseline.rival_accuracy,
        gflop_per_s=gflop_per_s,
        matrix_share=share,
    )


def _rates(
    work: Work | None, network: str, precision: str, images_per_s: Spread
) -> tuple[float | None, float | None]:
    if work is None or network not in work.network_gflop:
        return None, None
    gflop_per_s = images_per_s.median * work.network_gflop[network]
    limit = work.matrix_gflop_per_s.get(precision)
    return gflop_per_s, None if limit is None else gflop_per_s / limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """All that was measured."""

    style: str
    machine: Machine
    config: BenchmarkConfig
    rows: tuple[Row, ...]
    """Of each size and batch the first backend, then its rivals."""
    missing: tuple[Missing, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
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
        """Return a table for a terminal, medians alone."""
        lines = [f"style {self.style}; {self.machine}"]
        groups = ("", "", "images/s", "", "slower", "", "", "of a matrix")
        names = (
            "", "in memory", "files", "in memory", "files", "PSNR", "GFLOP/s", "product",
        )  # fmt: skip
        for size, batch, rows in self._cases():
            lines += ["", f"{size}, batch {batch}"]
            lines += [_line(groups), _line(names)]
            lines += [_line(_short_cells(row)) for row in rows]
        lines.append(
            "\nfiles: from files to files; slower: how many times as long as the first line takes;"
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
            f"{packages}. {rounds} {'round' if rounds == 1 else 'rounds'}, each contender in turn "
            "with the first of its table: median (lowest .. highest).",
        ]
        names = (
            "", "images/s, in memory", "ms/image", "images/s, files to files",
            "the first is faster, in memory", "files to files", "PSNR to eager FP32",
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
    slower = [row.speedup, row.speedup_end_to_end]
    return [
        row.title,
        digits(row.alone.median),
        digits(row.end_to_end.median),
        *("" if spread is None else digits(spread.median) for spread in slower),
        "" if row.accuracy is None else row.accuracy.decibels,
        "" if row.gflop_per_s is None else digits(row.gflop_per_s),
        "" if row.matrix_share is None else f"{row.matrix_share:.0%}",
    ]


def _long_cells(row: Row) -> list[str]:
    accuracy = row.accuracy
    return [
        row.title,
        str(row.alone),
        digits(1e3 / row.alone.median),
        str(row.end_to_end),
        "" if row.speedup is None else str(row.speedup),
        "" if row.speedup_end_to_end is None else str(row.speedup_end_to_end),
        "" if accuracy is None else accuracy.decibels,
        "" if accuracy is None else str(accuracy.max_difference),
        "" if row.gflop_per_s is None else digits(row.gflop_per_s),
        "" if row.matrix_share is None else f"{row.matrix_share:.0%}",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"{cells[0]:<26}" + "".join(f"{cell:>11}" for cell in cells[1:])


def _markdown_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
