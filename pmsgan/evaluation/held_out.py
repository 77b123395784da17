"""Evaluate a style on the pairs of a folder that its training has not seen."""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from pathlib import Path

from pmsgan.data.pairs import Pair
from pmsgan.data.splits import load_split
from pmsgan.errors import ConfigError
from pmsgan.evaluation.config import METRIC_NAMES, HeldOutChoice, MetricName, RuntimeChoice
from pmsgan.evaluation.result import Evaluation
from pmsgan.evaluation.styles import ShownProgress, evaluate_style
from pmsgan.styles.registry import find_style

_log = logging.getLogger(__name__)


def evaluate_style_on_folder(
    style: str,
    folder: Path,
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    held_out: HeldOutChoice,
    runtime: RuntimeChoice,
    conversion_progress: ShownProgress = nullcontext,
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> list[Evaluation]:
    """Evaluate a style on the held-out pairs of a folder.

    Args:
        style: name of a style, or its folder.
        folder: pairs, as for a training.
        metrics: metrics to measure.
        held_out: the pairs to take.
        runtime: the runtimes to convert with.
        conversion_progress: see `evaluate_style`.
        on_start: see `evaluate_folders`; called for each runtime.
        on_picture: see `evaluate_folders`.

    Returns:
        An evaluation for each runtime.

    Raises:
        PmsganError: see `find_style`, `held_out_pairs` and `evaluate_style`.
    """
    found = find_style(style)
    trained_in = {str(value) for key, value in found.origin.items() if key == "direction"}
    return evaluate_style(
        found,
        held_out_pairs(folder, held_out, trained_in),
        metrics,
        runtimes=runtime.runtimes(),
        conversion_progress=conversion_progress,
        on_start=on_start,
        on_picture=on_picture,
    )


def held_out_pairs(
    folder: Path, choice: HeldOutChoice, trained_in: Collection[str]
) -> tuple[Pair, ...]:
    """Return the pairs that were not trained on; all of them where the choice does not say.

    Args:
        folder: pairs, as for a training.
        choice: says which pairs were trained on.
        trained_in: directions of the trainings, one of which is the default.

    Raises:
        ConfigError: the trainings have several directions and the choice has none.
        DataError: see `load_split`.
    """
    direction = choice.direction
    if direction is None:
        if len(trained_in) > 1:
            raise ConfigError(f"trained in {' and '.join(sorted(trained_in))}: give --direction")
        direction = next(iter(trained_in), None)
    split = load_split(
        folder, direction=direction, preset=choice.preset, train_list=choice.train_list
    )
    if choice.preset is not None or choice.train_list is not None:
        return split.held_out
    _log.warning(
        "evaluating on all %d pairs, %s: --train-list or --preset leaves out those that were "
        "trained on",
        len(split.pairs),
        split.direction,
    )
    return split.pairs
