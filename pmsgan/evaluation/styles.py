"""Evaluate a style on the engine that converts with it."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path, PurePath

from pmsgan.batch.convert import convert_folder
from pmsgan.batch.progress import Progress
from pmsgan.batch.report.report import Report
from pmsgan.batch.settings import ConvertSettings, RunSettings
from pmsgan.child import call_in_child
from pmsgan.data.pairs import Pair
from pmsgan.engine.choices import Backend, Precision
from pmsgan.errors import ChildError, EvaluationError
from pmsgan.evaluation.config import METRIC_NAMES, MetricName, SizeChoice
from pmsgan.evaluation.evaluate import USUAL_SIZE, compare_methods
from pmsgan.evaluation.folders import numbered
from pmsgan.evaluation.pair_folders import write_pair_folders
from pmsgan.evaluation.result import Comparison
from pmsgan.styles.registry import Style

ShownProgress = Callable[[], AbstractContextManager[Progress | None]]
"""Shows the progress of a conversion; importable, since the process that converts calls it."""


def evaluate_style(
    style: Style,
    pairs: Sequence[Pair],
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    runtimes: Sequence[tuple[Backend, Precision]] = (("auto", "auto"),),
    size: SizeChoice = USUAL_SIZE,
    conversion_progress: ShownProgress = nullcontext,
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> Comparison:
    """Convert pictures as `pmsgan convert` does, and compare them with the true ones.

    Each conversion is a process of its own, since torch and pycuda do not share one.

    Args:
        style: what to evaluate.
        pairs: held-out ones.
        metrics: which.
        runtimes: backend and precision of each conversion.
        size: whether to compare in the size of the true pictures or in that of the style's.
        conversion_progress: shows the progress of each conversion; by default nothing does.
        on_start: see `compare_methods`.
        on_picture: see `compare_methods`.

    Returns:
        A method for each runtime, named after it.

    Raises:
        DataError: a pair cannot be read.
        EvaluationError: a conversion failed as a whole, or the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="pmsgan-evaluate-") as scratch:
        network_size = (style.height, style.width) if size.resize_truth else None
        sides = write_pair_folders(pairs, Path(scratch), network_size)
        folders = [Path(scratch, f"predicted{number}") for number in range(len(runtimes))]
        reports = [
            _convert(sides.inputs, folder, style, *runtime, conversion_progress)
            for folder, runtime in zip(folders, runtimes, strict=True)
        ]
        found = compare_methods(
            dict(zip(numbered(map(_name, reports)), folders, strict=True)),
            sides.truth,
            metrics,
            size=size,
            on_start=on_start,
            on_picture=on_picture,
        )
    evaluations = [
        evaluation.with_failures(_failures(report))
        for evaluation, report in zip(found.evaluations, reports, strict=True)
    ]
    return replace(found, evaluations=tuple(evaluations))


def _name(report: Report) -> str:
    """Return the backend and the precision of a conversion."""
    info = report.equipment.engine
    return f"{info.backend} {info.precision}"


def _failures(report: Report) -> dict[str, str]:
    """Return why pictures were not converted, by their names."""
    return {
        PurePath(failure.name).with_suffix("").as_posix(): failure.text
        for failure in report.failures
    }


def _convert(
    inputs: Path,
    predicted: Path,
    style: Style,
    backend: Backend,
    precision: Precision,
    progress: ShownProgress,
) -> Report:
    """Convert a folder in a process of its own; return its report."""
    try:
        report = call_in_child(
            _convert_in_child, inputs, predicted, style, backend, precision, progress,
            timeout_s=None, inherit_stderr=True,
        )  # fmt: skip
    except ChildError as error:
        raise EvaluationError(f"the conversion failed: {error}") from error
    if report.stopped is not None:
        raise EvaluationError(f"the conversion stopped: {report.stopped}")
    return report


def _convert_in_child(
    inputs: Path,
    predicted: Path,
    style: Style,
    backend: Backend,
    precision: Precision,
    progress: ShownProgress,
) -> Report:
    with progress() as shown:
        return convert_folder(
            inputs,
            predicted,
            style,
            settings=ConvertSettings(precision=precision),
            run=RunSettings(backend=backend),
            progress=shown,
        )
