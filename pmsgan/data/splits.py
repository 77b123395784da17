"""Divide the pairs of a folder into those to train on and those held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pmsgan.data.config import DEFAULT_DIRECTION, PRESETS, PresetName
from pmsgan.data.pairs import Pair, find_pairs
from pmsgan.data.presets import MAX_OFFENDERS, check_preset
from pmsgan.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Pairs of a folder: those to train on, and the others."""

    direction: str
    """FROM:TO of the pairs."""
    pairs: tuple[Pair, ...]
    """All pairs of the folder, by name."""
    train: tuple[Pair, ...]
    held_out: tuple[Pair, ...]


def load_split(
    folder: Path,
    *,
    direction: str | None = None,
    preset: PresetName | None = None,
    train_list: Path | None = None,
) -> Split:
    """Find the pairs of a folder and divide them; by default, all of them are to train on.

    Args:
        folder: side-by-side pictures, or two folders of pictures.
        direction: FROM:TO, by default the preset's, or left:right.
        preset: a data set of the paper, whose first pairs by name are to train on.
        train_list: a file with the names of the pairs to train on, one on each line.

    Raises:
        ConfigError: the direction cannot be read.
        DataError: the folder holds no pairs or does not look like the preset, or the list cannot be
            read, is empty, or names pairs that are not there.
    """
    known = PRESETS[preset] if preset is not None else None
    if direction is None:
        direction = known.direction if known is not None else DEFAULT_DIRECTION
    pairs = tuple(find_pairs(folder, direction))
    if preset is not None:
        check_preset(pairs, preset)
    if train_list is not None:
        train, held_out = _split_by_list(pairs, train_list)
    else:
        num_train = known.num_train if known is not None else len(pairs)
        train, held_out = pairs[:num_train], pairs[num_train:]
    return Split(direction=direction, pairs=pairs, train=train, held_out=held_out)


def _split_by_list(
    pairs: Sequence[Pair], train_list: Path
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Return the pairs that a list names, in its order, and the others."""
    try:
        lines = train_list.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {train_list}: {error}") from error
    by_name = {pair.name: pair for pair in pairs}
    wanted = [line.strip() for line in lines if line.strip()]
    keys = [name if name in by_name else Path(name).stem for name in wanted]
    missing = [name for name, key in zip(wanted, keys, strict=True) if key not in by_name]
    if missing:
        raise DataError(
            f"{train_list} names {len(missing)} pairs that are not there: "
            f"{', '.join(missing[:MAX_OFFENDERS])}"
        )
    if not wanted:
        raise DataError(f"{train_list} names no pairs: write one name on each line")
    to_train = set(keys)
    held_out = tuple(pair for pair in pairs if pair.name not in to_train)
    return tuple(by_name[key] for key in keys), held_out
