"""The paper's ablation table, from training runs."""

import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from pmsgan.batch.pictures.load import PLAIN
from pmsgan.data.pairs import Pair
from pmsgan.data.picture_file import PictureFile
from pmsgan.engine.eager import EagerEngine
from pmsgan.errors import ConfigError, ImageError
from pmsgan.evaluation.config import METRIC_NAMES, HeldOutChoice, MetricName, SizeChoice
from pmsgan.evaluation.evaluate import USUAL_SIZE, compare_methods
from pmsgan.evaluation.folders import numbered, picture_files
from pmsgan.evaluation.held_out import held_out_pairs
from pmsgan.evaluation.pair_folders import write_pair_folders, write_png
from pmsgan.evaluation.result import Comparison
from pmsgan.evaluation.translation import translate_picture
from pmsgan.model.config import ABLATIONS, Ablation, GeneratorConfig
from pmsgan.training.differences import option_of
from pmsgan.training.trained import Trained, load_trained

TITLES = dict(
    zip(
        ABLATIONS,
        ("(a) one stage", "(b) + EFF", "(c) + DFF", "(d) + CSASP", "(e) + MSSA"),
        strict=True,
    )
)
"""Rows of the paper's Table II."""

_log = logging.getLogger(__name__)


def evaluate_runs_on_folder(
    runs: Sequence[Path],
    folder: Path,
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    held_out: HeldOutChoice,
    size: SizeChoice = USUAL_SIZE,
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> Comparison:
    """Measure the rows of the paper's ablation table on the held-out pairs of a folder.

    Args:
        runs: folders of training runs.
        folder: pairs, as for a training.
        metrics: metrics to measure.
        held_out: the pairs to take.
        size: whether to compare in the size of the true pictures or in that of the networks.
        on_start: see `compare_methods`.
        on_picture: see `compare_methods`.

    Returns:
        A method for each run, in the order (a) to (e).

    Raises:
        PmsganError: see `load_trained`, `held_out_pairs` and `evaluate_ablation`.
    """
    trained = [load_trained(run) for run in runs]
    held = held_out_pairs(
        folder,
        held_out,
        {run.config.direction for run in trained},
        {str(run.folder): run.pairs for run in trained},
    )
    found = evaluate_ablation(
        trained, held.pairs, metrics, size=size, on_start=on_start, on_picture=on_picture
    )
    return replace(found, trained=held.trained)


def evaluate_ablation(
    runs: Sequence[Trained],
    pairs: Sequence[Pair],
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    size: SizeChoice = USUAL_SIZE,
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> Comparison:
    """Measure the rows of the paper's Table II.

    Args:
        runs: at least one, in any order.
        pairs: held-out ones, the same for all.
        metrics: metrics to measure.
        size: whether to compare in the size of the true pictures or in that of the networks.
        on_start: see `compare_methods`.
        on_picture: see `compare_methods`.

    Returns:
        A method for each run, in the order (a) to (e).

    Raises:
        ConfigError: the runs are of different sizes, or one is of another network.
        DataError: a pair cannot be read.
        EvaluationError: the disk is full.
    """
    ordered = sorted(runs, key=lambda run: ABLATIONS.index(_row(run)))
    sides = {run.config.size for run in runs}
    if len(sides) > 1:
        raise ConfigError(f"the runs have the sizes {sorted(sides)}: compare runs of the same size")
    _warn_of_differences(runs)
    (side,) = sides
    with tempfile.TemporaryDirectory(prefix="pmsgan-evaluate-") as scratch:
        folders = write_pair_folders(
            pairs, Path(scratch), (side, side) if size.resize_truth else None
        )
        predicted = [Path(scratch, f"predicted{number}") for number in range(len(ordered))]
        failures = [
            _translate(run, folders.inputs, folder)
            for run, folder in zip(ordered, predicted, strict=True)
        ]
        found = compare_methods(
            dict(zip(_titles(ordered), predicted, strict=True)),
            folders.truth,
            metrics,
            size=size,
            on_start=on_start,
            on_picture=on_picture,
        )
    evaluations = tuple(
        evaluation.with_failures(failed)
        for evaluation, failed in zip(found.evaluations, failures, strict=True)
    )
    return replace(found, evaluations=evaluations)


def _titles(runs: Sequence[Trained]) -> list[str]:
    """Return the row of the paper's table for each run, with its folder where several have one."""
    rows = [_row(run) for run in runs]
    num_runs = Counter(rows)
    return numbered(
        TITLES[row] + (f", {run.folder.name}" if num_runs[row] > 1 else "")
        for run, row in zip(runs, rows, strict=True)
    )


def _row(run: Trained) -> Ablation:
    config = run.generator.config
    if not isinstance(config, GeneratorConfig):
        raise ConfigError(
            f"{run.folder} is not a run of the network pmsgan, so it has no row in "
            "the ablation table"
        )
    return config.ablation


def _translate(run: Trained, inputs: Path, predicted: Path) -> dict[str, str]:
    """Write the results of a run; return the reasons why pictures have none, by their names."""
    side, failures = run.config.size, {}
    with EagerEngine(run.generator, height=side, width=side) as engine:
        for name, path in picture_files(inputs).items():
            try:
                result = translate_picture(engine, PictureFile(path).read(), PLAIN)
            except ImageError as error:
                failures[name] = str(error)
                continue
            write_png(predicted / f"{name}.png", result)
    return failures


def _warn_of_differences(runs: Sequence[Trained]) -> None:
    """Warn of differences that make rows hard to compare, and of missing rows."""
    settings = [asdict(run.config) | asdict(run.generator.config) for run in runs]
    for name in settings[0]:
        values = {str(setting[name]) for setting in settings}
        if len(values) > 1 and name != "ablation":
            _log.warning("the runs differ in %s: %s", option_of(name), ", ".join(sorted(values)))
    missing = [
        TITLES[row] for row in ABLATIONS if row not in {setting["ablation"] for setting in settings}
    ]
    if missing:
        _log.warning("there is no run of %s", ", ".join(missing))
