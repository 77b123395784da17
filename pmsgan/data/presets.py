"""The four data sets of the paper: what they hold, and how it trains on them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError

PresetName = Literal["cufs", "cufsf", "apdrawing", "sketch2anime"]

MAX_OFFENDERS = 5
"""How many pictures an error names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """One data set. Split sizes marked [D] are those usual in the literature."""

    num_train: int
    """Pairs to train on: the first ones by name, unless a list says which."""
    num_test: int
    """Pairs that are left for testing."""
    prepared: tuple[int, int]
    """Width and height [pixels] that the pictures are aligned and cropped to."""
    size: int
    """Side [pixels] that the network is trained at."""
    direction: str
    """FROM:TO of the paper's first task, as sub-folders of the set."""

    @property
    def num_pairs(self) -> int:
        """Pairs in the whole set."""
        return self.num_train + self.num_test


PRESETS: Mapping[PresetName, Preset] = MappingProxyType(
    {
        # CUHK student 188, AR 123, XM2VTS 295; the split is [D]
        "cufs": Preset(
            num_train=268, num_test=338, prepared=(200, 250), size=256, direction="photo:sketch"
        ),
        # FERET; the split is [D]
        "cufsf": Preset(
            num_train=250, num_test=944, prepared=(200, 250), size=256, direction="photo:sketch"
        ),
        # the split is [D]
        "apdrawing": Preset(
            num_train=70, num_test=70, prepared=(512, 512), size=512, direction="photo:drawing"
        ),
        "sketch2anime": Preset(
            num_train=130_000,
            num_test=5_509,
            prepared=(512, 512),
            size=512,
            direction="sketch:anime",
        ),
    }
)


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
) -> list[Pair]:
    """Return the pairs to train on.

    Args:
        pairs: all of them, by name.
        num_train: how many of the first ones to take; by default all.
        train_list: a file with one name on each line, which decides instead.

    Raises:
        DataError: the list cannot be read, is empty, or names pairs that are not there.
    """
    if train_list is None:
        return list(pairs[:num_train])
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
    return [by_name[key] for key in keys]
