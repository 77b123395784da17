"""Plot the cost of a picture over size and batch."""

import math
from pathlib import Path

from pmsgan.benchmark.result import Benchmark
from pmsgan.benchmark.row import Row


def plot(benchmark: Benchmark, path: Path) -> None:
    """Plot the milliseconds for a picture over size and over batch, as an SVG or a PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    by_size, by_batch = figure.subplots(1, 2)
    first = benchmark.rows[0]
    for title in dict.fromkeys(row.title for row in benchmark.rows):
        rows = [row for row in benchmark.rows if row.title == title]
        for axes, name, kept in (
            (by_size, "side", [row for row in rows if row.batch == first.batch]),
            (by_batch, "batch", [row for row in rows if row.size == first.size]),
        ):
            places = [_side(row) if name == "side" else row.batch for row in kept]
            middle = [1e3 / row.in_memory.median for row in kept]
            spread = (
                [ms - 1e3 / row.in_memory.high for ms, row in zip(middle, kept, strict=True)],
                [1e3 / row.in_memory.low - ms for ms, row in zip(middle, kept, strict=True)],
            )
            axes.errorbar(places, middle, yerr=spread, marker="o", capsize=3, label=title)
    by_size.set_xticks(sorted({_side(row) for row in benchmark.rows}))
    by_batch.set_xticks(sorted({row.batch for row in benchmark.rows}))
    for axes, label, held in (
        (by_size, "side of a picture [pixels]", f"batch {first.batch}"),
        (by_batch, "pictures in a batch", first.size),
    ):
        axes.set(xlabel=label, ylabel="ms per picture, in memory", title=held, yscale="log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(visible=True, which="both", alpha=0.3)
    by_batch.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    figure.savefig(path, dpi=150)


def _side(row: Row) -> float:
    width, height = map(int, row.size.split("x"))
    return math.sqrt(width * height)
