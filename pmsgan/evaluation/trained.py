"""Find the pictures of an evaluation that its networks were trained on."""

import functools
import logging
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path

from pmsgan.bar import Bar
from pmsgan.data.pairs import Pair
from pmsgan.data.trained_pairs import TrainedPairs, read_record
from pmsgan.errors import DataError, StyleError
from pmsgan.evaluation.result import TrainedCount
from pmsgan.styles.registry import TRAINED_PAIRS_NAME, Style, find_style

MIN_SHOWN = 1000
"""Least pairs for which a bar shows the progress of the check."""

_log = logging.getLogger(__name__)


def count_trained_pairs(
    pairs: Sequence[Pair], record: TrainedPairs, folder: Path, *, are_scored: bool = False
) -> TrainedCount:
    """Find the pairs that were trained on, see `count_trained`."""
    files = {pair.name: (pair.input.path, pair.target.path) for pair in pairs}
    return count_trained(files, record, folder, are_scored=are_scored)


def count_trained(
    files: Mapping[str, Sequence[Path]], record: TrainedPairs, folder: Path, *, are_scored: bool
) -> TrainedCount:
    """Find the pictures of an evaluation that were trained on.

    Args:
        files: files of each pair, by its name.
        record: the pairs that were trained on.
        folder: where the pairs lie, for the message.
        are_scored: whether they are scored anyway.

    Raises:
        DataError: none is left to score.
    """
    # Of a large set, all files are read, which takes minutes.
    bar = Bar(files.items(), desc="checking", unit="pair", disable=len(files) < MIN_SHOWN)
    trained = {name for name, paths in bar if record.has_file(*paths)}
    if files and len(trained) == len(files) and not are_scored:
        raise DataError(
            f"all pairs of {folder} ({len(files)}) were trained on: give others; pmsgan evaluate "
            "--include-trained scores them anyway"
        )
    same_name = [name for name in files if name not in trained and record.has_name(name)]
    return TrainedCount(
        names=tuple(name for name in files if name in trained),
        are_scored=are_scored,
        same_name=tuple(same_name),
    )


def joined_records(records: Mapping[str, TrainedPairs | None]) -> TrainedPairs | None:
    """Join the training pairs of networks; warn of networks without a record.

    Args:
        records: pairs that each network was trained on, by its name.
    """
    for name, record in records.items():
        if record is None:
            _log.warning("%s does not say which pairs it was trained on", name)
    known = [record for record in records.values() if record is not None]
    return functools.reduce(operator.or_, known) if known else None


def record_of(network: str) -> TrainedPairs | None:
    """Return the training pairs of a style, or of the network of a training run.

    Args:
        network: name of a style, its folder, or a folder of a training run.

    Returns: The record;
        None if it has none.

    Raises:
        StyleError: there is no such style.
        CheckpointError: the run has no checkpoint that can be read.
    """
    try:
        return record_of_style(find_style(network))
    except StyleError:
        if not Path(network).is_dir():
            raise
    # A folder that is not a style; reading a run needs the extra `train`.
    from pmsgan.training.trained import load_trained

    return load_trained(Path(network)).pairs


def record_of_style(style: Style) -> TrainedPairs | None:
    """Return the training pairs of a style; None if it has no record, like those that ship.

    Raises:
        StyleError: its record cannot be read.
    """
    has_record = TRAINED_PAIRS_NAME in style.sha256
    return read_record(style.folder / TRAINED_PAIRS_NAME) if has_record else None
