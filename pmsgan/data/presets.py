"""Check that a folder looks like one of the paper's data sets."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pmsgan.counts import count
from pmsgan.data.config import PRESETS, Preset, PresetName
from pmsgan.data.pairs import Pair, has_parts, some
from pmsgan.errors import DataError

_log = logging.getLogger(__name__)


def check_preset(pairs: Sequence[Pair], name: PresetName, folder: Path, direction: str) -> None:
    """Check the number of pairs, and the size of all pictures by their headers.

    Args:
        pairs: the pairs of the folder.
        name: the set that it should be.
        folder: the folder of the pairs.
        direction: FROM:TO of the pairs.

    Raises:
        DataError: the folder does not look like the set.
    """
    preset = PRESETS[name]
    if not _has_right_number(pairs, preset):
        if not preset.any_number:
            raise DataError(_wrong_number(pairs, name, folder, direction))
        _log.warning(
            "%s has %s pairs in the paper, %s has %s",
            name,
            f"{preset.num_pairs:,}",
            folder,
            f"{len(pairs):,}",
        )
    _check_sizes(pairs, name, folder)


def _has_right_number(pairs: Sequence[Pair], preset: Preset) -> bool:
    least = preset.num_test - preset.num_lost
    if has_parts(pairs):
        num_test = sum(1 for pair in pairs if pair.part == "test")
        # A training part may be larger: APDrawing's authors add turned and scaled copies.
        return least <= num_test <= preset.num_test and len(pairs) - num_test >= preset.num_train
    return least <= len(pairs) - preset.num_train <= preset.num_test


def _wrong_number(pairs: Sequence[Pair], name: PresetName, folder: Path, direction: str) -> str:
    preset = PRESETS[name]
    here = str(len(pairs))
    if has_parts(pairs):
        num_test = sum(1 for pair in pairs if pair.part == "test")
        here = f"{len(pairs) - num_test} to train on and {num_test} to test"
    if pairs[0].input.half != "whole":  # other words mean nothing without the preset
        direction = f"{pairs[0].input.half}:{pairs[0].target.half}"
    consists = f" ({preset.composition})" if preset.composition else ""
    return (
        f"{name} has {preset.num_pairs} pairs{consists}, {preset.num_train} to train on and "
        f"{preset.num_test} to test; {folder} has {here}: complete the data set, or leave out "
        f"--preset and type --direction {direction} --size {preset.size}"
    )


def _check_sizes(pairs: Sequence[Pair], name: PresetName, folder: Path) -> None:
    preset = PRESETS[name]
    sizes = {
        (picture.path, picture.half): picture.size()
        for pair in pairs
        for picture in (pair.input, pair.target)
    }
    others = [picture for picture, size in sizes.items() if size != preset.prepared]
    if not others:
        return
    (most, _), *_ = Counter(sizes[picture] for picture in others).most_common(1)
    width, height = preset.prepared
    advice = (
        "for each side, type pmsgan prepare align FOLDER OUT --eyes POINTS "
        f"--width {width} --height {height}"
        if pairs[0].input.half == "whole"
        else "cut them in half with pmsgan prepare pairs, and see pmsgan prepare align"
    )
    raise DataError(
        f"{name} is prepared at {width}x{height}, but "
        f"{count(len(others), 'picture here is', 'pictures here are')} not "
        f"(most of them {most[0]}x{most[1]}): "
        f"{some([str(path.relative_to(folder)) for path, _ in others])}; {advice}"
    )
