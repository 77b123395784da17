"""Write a benchmark as JSON, as Markdown and as a plot."""

import importlib.util
import json
import logging
from pathlib import Path

from pmsgan.atomic import write_whole
from pmsgan.benchmark.plot import plot
from pmsgan.benchmark.result import Benchmark
from pmsgan.errors import PmsganError
from pmsgan.install import install_command

_log = logging.getLogger(__name__)


def write_benchmark(benchmark: Benchmark, folder: Path) -> None:
    """Write bench.json, bench.md and, where matplotlib is installed, bench.svg.

    Raises:
        PmsganError: the files cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("bench.json", json.dumps(benchmark.to_json(), indent=2) + "\n"),
            ("bench.md", benchmark.to_markdown()),
        ):
            write_whole(folder / name, text.encode())
        if importlib.util.find_spec("matplotlib") is None:
            _log.info("no plot: matplotlib is not installed: %s", install_command("train"))
        elif benchmark.rows:
            plot(benchmark, folder / "bench.svg")
    except OSError as error:
        raise PmsganError(f"cannot write to {folder}: {error.strerror}") from error
