"""Evaluate what ships: a style on the engine in use."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from pmsgan.data.pairs import Pair
from pmsgan.engine.choices import Backend, Precision
from pmsgan.errors import EvaluationError
from pmsgan.evaluation.config import METRIC_NAMES, MetricName
from pmsgan.evaluation.evaluate import evaluate_folders
from pmsgan.evaluation.pair_folders import write_pair_folders
from pmsgan.evaluation.result import Evaluation
from pmsgan.styles.registry import Style


def evaluate_style(
    style: Style,
    pairs: Sequence[Pair],
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    runtimes: Sequence[tuple[Backend, Precision]] = (("auto", "auto"),),
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> list[Evaluation]:
    """Convert pictures as `pmsgan convert` does, and compare them with the true ones.

    Each conversion is a process of its own, since torch and pycuda do not share one. Its words and
    its progress go to stderr.

    Args:
        style: what to evaluate.
        pairs: held-out ones.
        metrics: which.
        runtimes: backend and precision of each conversion.
        on_start: see `evaluate_folders`; called for each runtime.
        on_picture: likewise.

    Returns:
        An evaluation for each runtime, called after what it ran on.

    Raises:
        DataError: a pair cannot be read.
        EvaluationError: a conversion failed as a whole, or the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="pmsgan-evaluate-") as scratch:
        sides = write_pair_folders(pairs, Path(scratch), style.height, style.width)
        folders = [Path(scratch, f"predicted{number}") for number in range(len(runtimes))]
        reports = [
            _convert(sides.inputs, folder, style, *runtime)
            for folder, runtime in zip(folders, runtimes, strict=True)
        ]
        return [
            _with_failures(
                report,
                evaluate_folders(
                    folder,
                    sides.truth,
                    metrics,
                    method=f"{report['engine']['backend']} {report['engine']['precision']}",
                    on_start=on_start,
                    on_picture=on_picture,
                ),
            )
            for folder, report in zip(folders, reports, strict=True)
        ]


def _convert(
    inputs: Path, predicted: Path, style: Style, backend: Backend, precision: Precision
) -> dict[str, Any]:
    """Convert a folder in a process of its own; return its report."""
    child = subprocess.run(
        [sys.executable, "-m", "pmsgan", "convert", inputs, predicted,
         "--style", style.folder.resolve(), "--backend", backend, "--precision", precision,
         "--no-baseline", "--json"],
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    try:
        report: dict[str, Any] = json.loads(child.stdout)
    except ValueError as error:
        raise EvaluationError("the conversion failed, for the reason above") from error
    if report["stopped"] is not None:
        raise EvaluationError(f"the conversion stopped: {report['stopped']}")
    return report


def _with_failures(report: dict[str, Any], evaluation: Evaluation) -> Evaluation:
    """Name the pictures that were not converted, rather than call them true alone."""
    failures = {
        PurePath(it["name"]).with_suffix("").as_posix(): it["reason"] for it in report["failures"]
    }
    return replace(
        evaluation,
        failures=dict(evaluation.failures) | failures,
        only_true=tuple(name for name in evaluation.only_true if name not in failures),
    )
