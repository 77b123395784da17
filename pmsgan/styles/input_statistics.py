"""Measure two statistics of pictures that distinguish photographs from line sketches."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""uint8 [H, W, 3] BGR."""

FEATURES = {"colour": "colourful", "ground": "like drawings on plain paper"}
"""Words for pictures in which a statistic is higher."""
MARGINS = {"colour": 0.1, "ground": 0.02}
"""Margin on both sides of the usual range, so that only clear differences are reported."""
_EVEN = 65
"""Number of neighbouring grey levels, a quarter of all, that an even background spans."""


def measure_statistics(image: Pixels) -> dict[str, float]:
    """Return how colourful a picture is (0..1), and the share of its even background (0..1).

    The background, such as paper or a board, is the largest share of about equally bright pixels.
    """
    darkest, brightest = image.min(axis=2), image.max(axis=2)
    counts = np.bincount(brightest.ravel(), minlength=256)
    return {
        "colour": float((brightest - darkest).mean()) / 255.0,
        "ground": float(np.convolve(counts, np.ones(_EVEN)).max()) / brightest.size,
    }


def usual_ranges(pictures: Iterable[Pixels]) -> dict[str, list[float]]:
    """Return the range of each statistic that holds 98 % of the pictures, with a margin.

    The result is empty if there are no pictures.
    """
    measured = [measure_statistics(picture) for picture in pictures]
    if not measured:
        return {}
    ranges = {}
    for name, margin in MARGINS.items():
        low, high = np.quantile([statistics[name] for statistics in measured], (0.01, 0.99))
        wide = max(0.0, float(low) - margin), min(1.0, float(high) + margin)
        ranges[name] = [round(end, 3) for end in wide]
    return ranges


def describe_difference(
    pictures: Iterable[Pixels], usual: Mapping[str, Sequence[float]]
) -> str | None:
    """Say how most pictures differ from the usual ones; return None if they do not."""
    measured = [measure_statistics(picture) for picture in pictures]
    for name, (low, high) in usual.items():
        if name not in FEATURES or not measured:
            continue
        value = float(np.median([statistics[name] for statistics in measured]))
        if not low <= value <= high:
            more = "more" if value > high else "less"
            return (
                f"they are {more} {FEATURES[name]}: {value:.2f}, where {low:.2f} to {high:.2f} is "
                "usual"
            )
    return None
