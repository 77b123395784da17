"""Tables of a benchmark, for terminals and as Markdown; a column without a figure is left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pmsgan.benchmark.row import Row
from pmsgan.spread import Spread, digits


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    cell: Callable[[Row], str]
    """Returns a row's text in this column, empty if it has none."""


def _rate(row: Row) -> str:
    return "" if row.gflop_per_s is None else digits(row.gflop_per_s)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _median(spread: Spread | None) -> str:
    return "" if spread is None else digits(spread.median)


def _whole(spread: Spread | None) -> str:
    return "" if spread is None else str(spread)


def _psnr(row: Row) -> str:
    return "" if row.accuracy is None else row.accuracy.decibels


def _latency(row: Row, name: str) -> str:
    return "" if row.latency is None else digits(getattr(row.latency, name))


def _cost(row: Row, name: str, unit: float) -> str:
    return "" if row.costs is None else digits(getattr(row.costs, name) / unit)


_TEXT = (
    _Column("pictures/s, in memory", lambda row: _median(row.in_memory)),
    _Column("pictures/s, files", lambda row: _median(row.files_to_files)),
    _Column("latency, ms", lambda row: _latency(row, "p50_ms")),
    _Column("slower, in memory", lambda row: _median(row.speedup)),
    _Column("slower, files", lambda row: _median(row.speedup_files_to_files)),
    _Column("PSNR", _psnr),
    _Column("GFLOP/s", _rate),
    _Column("of a product", lambda row: _share(row.matrix_share)),
    _Column("of memory", lambda row: _share(row.memory_share)),
)
_MARKDOWN = (
    _Column("pictures/s, in memory", lambda row: str(row.in_memory)),
    _Column("ms/picture", lambda row: digits(1e3 / row.in_memory.median)),
    _Column("pictures/s, files to files", lambda row: str(row.files_to_files)),
    _Column("latency of single pictures, ms: median", lambda row: _latency(row, "p50_ms")),
    _Column("95 %", lambda row: _latency(row, "p95_ms")),
    _Column("99 %", lambda row: _latency(row, "p99_ms")),
    _Column("times slower, in memory", lambda row: _whole(row.speedup)),
    _Column("times slower, files to files", lambda row: _whole(row.speedup_files_to_files)),
    _Column("PSNR to {reference} FP32", _psnr),
    _Column(
        "largest difference, grey levels",
        lambda row: "" if row.accuracy is None else str(row.accuracy.max_difference),
    ),
    _Column("GFLOP/s", _rate),
    _Column("of a matrix product", lambda row: _share(row.matrix_share)),
    _Column("of the memory's bandwidth", lambda row: _share(row.memory_share)),
    _Column("build, s", lambda row: _cost(row, "build_s", 1.0)),
    _Column("engine, MB", lambda row: _cost(row, "file_bytes", 1e6)),
    _Column("GPU memory, MiB", lambda row: _cost(row, "gpu_bytes", 2.0**20)),
)


def legend(reference: str) -> str:
    """Return a legend for the columns of a table for a terminal.

    Args:
        reference: the engine that accuracy is measured against, in words.
    """
    return (
        "files: files to files; latency: of single pictures, the median;\n"
        f"slower: time relative to the first line; PSNR: to {reference} in FP32;\n"
        "of a product: share of the rate of a matrix product; of memory: share of its bandwidth"
    )


def text_table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table for a terminal; names of two words take two lines."""
    columns = _filled(_TEXT, rows)
    names = [column.name.rpartition(", ") for column in columns]
    groups = ["", *(group for group, _, _ in names)]
    # A group is named above its first column alone.
    shown = ["" if it == before else it for before, it in zip(["", *groups], groups, strict=False)]
    return [
        _line(shown),
        _line(["", *(name for _, _, name in names)]),
        *(_line([row.title, *(column.cell(row) for column in columns)]) for row in rows),
    ]


def markdown_table(rows: Sequence[Row], reference: str) -> list[str]:
    """Return the lines of a table in Markdown.

    Args:
        rows: contenders at one size and batch.
        reference: backend that accuracy is measured against.
    """
    columns = _filled(_MARKDOWN, rows)
    cells = [
        ["", *(column.name.format(reference=reference) for column in columns)],
        ["---"] * (1 + len(columns)),
        *([row.title, *(column.cell(row) for column in columns)] for row in rows),
    ]
    return [f"| {' | '.join(line)} |" for line in cells]


def _filled(columns: Sequence[_Column], rows: Sequence[Row]) -> list[_Column]:
    return [column for column in columns if any(column.cell(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"{cells[0]:<26}" + "".join(f"{cell:>13}" for cell in cells[1:])
