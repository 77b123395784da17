"""The results of a benchmark as text, as Markdown and as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

import pmsgan
from pmsgan.batch.report.report import BASELINES
from pmsgan.benchmark.config import BenchmarkConfig
from pmsgan.benchmark.row import Row
from pmsgan.benchmark.table import legend, markdown_table, text_table
from pmsgan.counts import count
from pmsgan.engine.machine import Machine
from pmsgan.terminal import printable


@dataclass(frozen=True, slots=True)
class Missing:
    """A contender that was not measured."""

    title: str
    size: str
    reason: str
    is_failure: bool
    """Whether the contender can run here, but failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """All rows of a benchmark."""

    style: str
    baseline: str
    """The backend whose FP32 results are the reference for the others."""
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
            "baseline": self.baseline,
            "config": asdict(self.config),
            "machine": self.machine.to_json(),
            "rows": [row.to_json() for row in self.rows],
            "missing": [asdict(entry) for entry in self.missing],
        }

    def to_text(self) -> str:
        """Return a table of medians for a terminal."""
        lines = [printable(f"style {self.style}; {self.machine}")]
        for size, batch, rows in self._cases():
            lines += ["", f"{size}, batch {batch}", *text_table(rows)]
        return "\n".join([*lines, "", legend(BASELINES[self.baseline]), *self._missing_lines()])

    def to_markdown(self) -> str:
        """Return tables with spreads."""
        rounds = self.config.num_rounds
        machine = self.machine
        packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
        lines = [
            f"# Benchmark of the style {self.style}",
            "",
            f"{machine}; {machine.system}; Python {machine.python}; pmsgan {pmsgan.__version__}; "
            f"{packages}. {count(rounds, 'round')}; in each, every contender runs in turn with the "
            "first engine of its table. Figures are the median (lowest .. highest).",
        ]
        for size, batch, rows in self._cases():
            lines += ["", f"## {size}, batch {batch}", "", *markdown_table(rows, self.baseline)]
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
        reasons = dict.fromkeys(
            printable(f"not measured: {entry.title}: {entry.reason}") for entry in self.missing
        )
        return ["", *(f"{reason}  " for reason in reasons)]
