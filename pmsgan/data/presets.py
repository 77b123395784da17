"""Check that a folder looks like one of the paper's data sets."""

from collections import Counter
from collections.abc import Sequence

from pmsgan.data.config import PRESETS, PresetName
from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError

MAX_OFFENDERS = 5
"""Number of pictures that an error names."""


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
