"""Divide the pairs of a folder into those to train on and those held out."""

import hashlib
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pmsgan.counts import count
from pmsgan.data.config import DEFAULT_DIRECTION, PRESETS, Preset, PresetName
from pmsgan.data.lists import select_pairs
from pmsgan.data.pairs import Pair, find_pairs, has_parts
from pmsgan.data.presets import check_preset
from pmsgan.errors import ConfigError, DataError

ALL = "all"
"""The value of --split that holds out nothing."""
HELD_OUT_SHARE = 1 / 20
"""Share of pairs that are held out by default."""
MAX_HELD_OUT = 200
"""Most pairs that are held out by default."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Pairs of a folder: those to train on, and the others."""

    direction: str
    """FROM:TO of the pairs."""
    pairs: tuple[Pair, ...]
    """All pairs of the folder, by name."""
    train: tuple[Pair, ...]
    held_out: tuple[Pair, ...]
    rule: str
    """Which pairs are held out, in words."""


def load_split(
    folder: Path,
    *,
    direction: str | None = None,
    preset: PresetName | None = None,
    train_list: Path | None = None,
    split: str | None = None,
) -> Split:
    """Find the pairs of a folder and divide them.

    The first of these decides: the list, `split`, folders for training and for tests. Without
    these, 1 in 20 is held out at random, at most 200; of a preset that is divided at random, as
    many as in the paper.

    Args:
        folder: side-by-side pictures, or folders of pictures, see `find_pairs`.
        direction: FROM:TO, by default the preset's, or left:right.
        preset: a data set of the paper.
        train_list: a file that names the pairs to train on, see `select_pairs`.
        split: `random:SEED` holds out as many pairs as without it, chosen with another seed;
            `all` trains on all.

    Raises:
        ConfigError: the direction or the split cannot be read.
        DataError: the folder holds no pairs or does not look like the preset, or the list cannot be
            read, is empty, or names pairs that are not there; or nothing says which pairs of the
            preset to train on.
    """
    known = PRESETS[preset] if preset is not None else None
    if direction is None:
        direction = known.direction if known is not None else DEFAULT_DIRECTION
    seed = _read_seed(split)
    pairs = find_pairs(folder, direction, known.halves_of(direction) if known is not None else None)
    if preset is not None:
        check_preset(pairs, preset, folder, direction)
    if train_list is not None:
        listed = select_pairs(train_list, pairs)
        _check_list(train_list, listed, pairs, known)
        rule = f"those that {train_list} does not name"
        divided = _divide(direction, pairs, _names(pairs) - _names(listed), rule)
        return replace(divided, train=listed)
    if split is None and known is not None and known.division is not None and not has_parts(pairs):
        raise DataError(
            f"nothing says which {known.num_train} of the {len(pairs)} pairs in {folder} to train "
            f"on; {preset} is divided {known.division}: type --train-list FILE, or give a folder "
            "that holds both parts; --split random:0 would hold out "
            f"{_num_held_out(len(pairs), known)} at random, which is a different division"
        )
    if split == ALL:
        return _divide(direction, pairs, set(), "as --split all says")
    if split is None and has_parts(pairs):
        held_out = _names(pair for pair in pairs if pair.part == "test")
        return _divide(direction, pairs, held_out, "those in its test folders")
    chosen = choose_at_random(_names(pairs), _num_held_out(len(pairs), known), seed)
    rule = f"chosen at random with seed {seed}" if chosen else "since there are few pairs"
    return _divide(direction, pairs, chosen, rule)


def choose_at_random(names: Iterable[str], count: int, seed: int) -> set[str]:
    """Choose some of the names; the choice depends only on the names and the seed."""

    def rank(name: str) -> bytes:
        return hashlib.sha256(f"{seed} {name}".encode()).digest()

    return set(sorted(names, key=rank)[:count])


def _read_seed(split: str | None) -> int:
    """Return the seed of `random:SEED`, or 0; raise ConfigError for any other text."""
    if split is None or split == ALL:
        return 0
    kind, _, seed = split.partition(":")
    if kind != "random" or not seed.isdecimal():
        raise ConfigError(f"split is {split!r}: write random:SEED, such as random:0, or {ALL}")
    return int(seed)


def _num_held_out(num_pairs: int, known: Preset | None) -> int:
    if known is None:
        return min(MAX_HELD_OUT, int(num_pairs * HELD_OUT_SHARE))
    return round(num_pairs * known.num_test / known.num_pairs)


def _check_list(
    train_list: Path, chosen: Sequence[Pair], pairs: Sequence[Pair], known: Preset | None
) -> None:
    """Detect a list that names other pairs than those to train on."""
    if known is None or len(chosen) == known.num_train:
        return
    if len(chosen) == len(pairs):
        raise DataError(
            f"{train_list} names all {len(pairs)} pairs, which leaves none to test on: give the "
            f"list of the {known.num_train} to train on"
        )
    _log.warning(
        "%s names %s, the paper trains on %d",
        train_list, count(len(chosen), "pair"), known.num_train,
    )  # fmt: skip


def _names(pairs: Iterable[Pair]) -> set[str]:
    return {pair.name for pair in pairs}


def _divide(direction: str, pairs: Sequence[Pair], held_out: Collection[str], rule: str) -> Split:
    return Split(
        direction=direction,
        pairs=tuple(pairs),
        train=tuple(pair for pair in pairs if pair.name not in held_out),
        held_out=tuple(pair for pair in pairs if pair.name in held_out),
        rule=rule,
    )
