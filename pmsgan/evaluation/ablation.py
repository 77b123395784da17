"""The paper's ablation table, from training runs."""

import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from pmsgan.data.pairs import Pair, PictureFile
from pmsgan.engine.eager import EagerEngine
from pmsgan.errors import ConfigError
from pmsgan.evaluation.config import METRIC_NAMES, HeldOutChoice, MetricName
from pmsgan.evaluation.evaluate import evaluate_folders
from pmsgan.evaluation.held_out import held_out_pairs
from pmsgan.evaluation.pair_folders import write_pair_folders, write_png
from pmsgan.evaluation.result import Evaluation
from pmsgan.model.config import ABLATIONS
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
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> list[Evaluation]:
    """Give the rows of the paper's ablation table on the held-out pairs of a folder.

    Args:
        runs: folders of training runs.
        folder: pairs, as for a training.
        metrics: metrics to measure.
        held_out: the pairs to take.
        on_start: see `evaluate_folders`; called for each run.
        on_picture: see `evaluate_folders`.

    Returns:
        An evaluation for each run, in the order (a) to (e).

    Raises:
        PmsganError: see `load_trained`, `held_out_pairs` and `evaluate_ablation`.
    """
    trained = [load_trained(run) for run in runs]
    pairs = held_out_pairs(folder, held_out, {run.config.direction for run in trained})
    return evaluate_ablation(trained, pairs, metrics, on_start=on_start, on_picture=on_picture)


def evaluate_ablation(
    runs: Sequence[Trained],
    pairs: Sequence[Pair],
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> list[Evaluation]:
    """Give the rows of the paper's Table II.

    Args:
        runs: at least one, in any order.
        pairs: held-out ones, the same for all.
        metrics: metrics to measure.
        on_start: see `evaluate_folders`; called for each run.
        on_picture: see `evaluate_folders`.

    Returns:
        An evaluation for each run, in the order (a) to (e).

    Raises:
        ConfigError: the runs are of different sizes.
        DataError: a pair cannot be read.
        EvaluationError: the disk is full.
    """
    sizes = {run.config.size for run in runs}
    if len(sizes) > 1:
        raise ConfigError(f"the runs have sizes {sorted(sizes)}: compare runs of one size")
    _warn_of_differences(runs)
    (size,) = sizes
    ordered = sorted(runs, key=lambda run: ABLATIONS.index(run.generator.config.ablation))
    rows = Counter(run.generator.config.ablation for run in runs)
    evaluations = []
    with tempfile.TemporaryDirectory(prefix="pmsgan-evaluate-") as scratch:
        folders = write_pair_folders(pairs, Path(scratch), size, size)
        for number, run in enumerate(ordered):
            predicted = Path(scratch, f"predicted{number}")
            predicted.mkdir()
            _translate(run, folders.inputs, predicted)
            ablation = run.generator.config.ablation
            title = TITLES[ablation] + (f", {run.folder.name}" if rows[ablation] > 1 else "")
            evaluations.append(
                evaluate_folders(
                    predicted,
                    folders.truth,
                    metrics,
                    method=title,
                    on_start=on_start,
                    on_picture=on_picture,
                )
            )
    return evaluations


def _translate(run: Trained, inputs: Path, predicted: Path) -> None:
    size = run.config.size
    with EagerEngine(run.generator, height=size, width=size) as engine:
        for path in sorted(inputs.iterdir()):
            image = PictureFile(path).read()
            write_png(predicted / path.name, engine.translate(image[None])[0])


def _warn_of_differences(runs: Sequence[Trained]) -> None:
    """Name what makes rows hard to compare, and which are missing."""
    settings = [asdict(run.config) | asdict(run.generator.config) for run in runs]
    for name in settings[0]:
        values = {str(setting[name]) for setting in settings}
        if len(values) > 1 and name != "ablation":
            _log.warning("the runs differ in %s: %s", name, ", ".join(sorted(values)))
    missing = [
        TITLES[it] for it in ABLATIONS if it not in {setting["ablation"] for setting in settings}
    ]
    if missing:
        _log.warning("no run is of %s", ", ".join(missing))
