"""Does a folder look like one of the paper's data sets, and which of its pairs train?"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pmsgan.data.config import PRESETS, PresetName
from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError

MAX_OFFENDERS = 5
"""How many pictures an error names."""


def check_preset(pairs: Sequence[Pair], name: PresetName) -> None:
    """Raise DataError if a folder does not look like the preset: number of pairs, picture sizes."""
    preset = PRESETS[name]
    if len(pairs) != preset.num_pairs:
        raise DataError(
            f"{name} has {preset.num_pairs} pairs, this folder has {len(pairs)}: complete it, or "
            "leave --preset out and give its settings yourself"
        )
    sizes = {pair.name: pair.input.read().shape[1::-1] for pair in pairs}
    others = [name for name, size in sizes.items() if size != preset.prepared]
    if others:
        counted = Counter(sizes[other] for other in others).most_common(1)[0][0]
        width, height = preset.prepared
        raise DataError(
            f"{name} is prepared as {width}x{height}, {len(others)} pictures here are not "
            f"(most of them {counted[0]}x{counted[1]}): {', '.join(others[:MAX_OFFENDERS])}; "
            "see pmsgan prepare align"
        )


def training_split(
    pairs: Sequence[Pair], *, num_train: int | None = None, train_list: Path | None = None
) -> tuple[list[Pair], list[Pair]]:
    """Return the pairs to train on, and those held out.

    Args:
        pairs: all of them, by name.
        num_train: how many of the first ones to take; by default all.
        train_list: a file with one name on each line, which decides instead.

    Raises:
        DataError: the list cannot be read, is empty, or names pairs that are not there.
    """
    if train_list is None:
        num_train = num_train or len(pairs)
        return list(pairs[:num_train]), list(pairs[num_train:])
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
    held_out = by_name.keys() - set(keys)
    return [by_name[key] for key in keys], [pair for pair in pairs if pair.name in held_out]
