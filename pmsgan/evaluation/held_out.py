"""Evaluate a style on pairs that it was not trained on."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from pmsgan.data.pairs import Pair
from pmsgan.data.splits import load_split
from pmsgan.data.trained_pairs import TrainedPairs
from pmsgan.errors import ConfigError
from pmsgan.evaluation.config import (
    METRIC_NAMES,
    HeldOutChoice,
    MetricName,
    RuntimeChoice,
    SizeChoice,
)
from pmsgan.evaluation.evaluate import USUAL_SIZE, compare_methods
from pmsgan.evaluation.folders import picture_files
from pmsgan.evaluation.result import Comparison, TrainedCount
from pmsgan.evaluation.styles import ShownProgress, evaluate_style
from pmsgan.evaluation.trained import (
    count_trained,
    count_trained_pairs,
    joined_records,
    record_of,
    record_of_style,
)
from pmsgan.styles.registry import find_style

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldOutPairs:
    """Pairs to evaluate on."""

    pairs: tuple[Pair, ...]
    trained: TrainedCount | None
    """Those that were trained on; None where no training has recorded that."""


def evaluate_style_on_folder(
    style: str,
    folder: Path,
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    held_out: HeldOutChoice,
    runtime: RuntimeChoice,
    size: SizeChoice = USUAL_SIZE,
    conversion_progress: ShownProgress = nullcontext,
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> Comparison:
    """Evaluate a style on the held-out pairs of a folder.

    Args:
        style: name of a style, or its folder.
        folder: pairs, as for a training.
        metrics: metrics to measure.
        held_out: the pairs to take.
        runtime: the runtimes to convert with.
        size: whether to compare in the size of the true pictures or in that of the style's.
        conversion_progress: see `evaluate_style`.
        on_start: see `compare_methods`.
        on_picture: see `compare_methods`.

    Returns:
        A method for each runtime.

    Raises:
        PmsganError: see `find_style`, `held_out_pairs` and `evaluate_style`.
    """
    found = find_style(style)
    trained_in = {str(value) for key, value in found.origin.items() if key == "direction"}
    held = held_out_pairs(folder, held_out, trained_in, {found.name: record_of_style(found)})
    comparison = evaluate_style(
        found,
        held.pairs,
        metrics,
        runtimes=runtime.runtimes(),
        size=size,
        conversion_progress=conversion_progress,
        on_start=on_start,
        on_picture=on_picture,
    )
    return replace(comparison, trained=held.trained)


def compare_on_unseen(
    methods: Mapping[str, Path],
    truth: Path,
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    unseen_by: Sequence[str] = (),
    include_trained: bool = False,
    size: SizeChoice = USUAL_SIZE,
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> Comparison:
    """Compare folders of predicted pictures with those true ones that were not trained on.

    Args:
        methods: see `compare_methods`.
        truth: folder of the true pictures, in the files of the trainings.
        metrics: metrics to measure.
        unseen_by: styles and training runs, whose pairs are left out.
        include_trained: score those pairs anyway.
        size: see `compare_methods`.
        on_start: see `compare_methods`.
        on_picture: see `compare_methods`.

    Raises:
        DataError: the folders cannot be matched, or all true pictures were trained on.
        StyleError: there is no such style.
        ConfigError: none of the networks has a record of its training pairs.
    """
    trained = None
    if unseen_by:
        record = joined_records({name: record_of(name) for name in unseen_by})
        if record is None:
            raise ConfigError(f"{' and '.join(unseen_by)}: no record says which pairs to leave out")
        files = {name: (path,) for name, path in picture_files(truth).items()}
        trained = count_trained(files, record, truth, are_scored=include_trained)
    found = compare_methods(
        methods,
        truth,
        metrics,
        size=size,
        left_out=trained.left_out if trained is not None else (),
        on_start=on_start,
        on_picture=on_picture,
    )
    return replace(found, trained=trained)


def held_out_pairs(
    folder: Path,
    choice: HeldOutChoice,
    trained_in: Collection[str],
    records: Mapping[str, TrainedPairs | None],
) -> HeldOutPairs:
    """Return the pairs that were not trained on.

    The records of the trainings say which these are; where there is none, the choice does. Where
    neither says it, all pairs are returned, with a warning.

    Args:
        folder: pairs, as for a training.
        choice: says which pairs are for testing, and whether those trained on are left out.
        trained_in: directions of the trainings, one of which is the default.
        records: pairs that each network was trained on, by its name.

    Raises:
        ConfigError: the trainings have several directions and the choice has none.
        DataError: see `load_split`; or all pairs were trained on.
    """
    direction = choice.direction
    if direction is None:
        if len(trained_in) > 1:
            raise ConfigError(f"trained in {' and '.join(sorted(trained_in))}: give --direction")
        direction = next(iter(trained_in), None)
    split = load_split(
        folder,
        direction=direction,
        preset=choice.preset,
        train_list=choice.train_list,
        split=choice.split,
    )
    chosen = (choice.preset, choice.train_list, choice.split)
    has_choice = any(it is not None for it in chosen)
    pairs = split.held_out if has_choice else split.pairs
    record = joined_records(records)
    if record is None:
        if not has_choice:
            _log.warning(
                "evaluating on all pairs (%d, %s): --train-list or --preset leaves out the pairs "
                "that were trained on",
                len(pairs),
                split.direction,
            )
        return HeldOutPairs(pairs, None)
    trained = count_trained_pairs(pairs, record, folder, are_scored=choice.include_trained)
    return HeldOutPairs(tuple(pair for pair in pairs if pair.name not in trained.left_out), trained)
