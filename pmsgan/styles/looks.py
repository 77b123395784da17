"""Measure the look of pictures in two numbers, which tell photographs from line sketches."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""uint8 [H, W, 3] BGR."""

FEATURES = {"colour": "colourful", "paper": "like lines on paper"}
"""Words for a picture that has more of a feature."""
MARGINS = {"colour": 0.1, "paper": 0.02}
"""Margin on both sides of the usual range, so that only plain differences are told."""
_PAPER = 0.75
"""Share of a picture's brightness below which a pixel is not paper."""


def measure_looks(image: Pixels) -> dict[str, float]:
    """Return how colourful a picture is (0..1), and which share of it could be paper (0..1)."""
    darkest, brightest = image.min(axis=2), image.max(axis=2)
    return {
        "colour": float((brightest - darkest).mean()) / 255.0,
        "paper": float((brightest >= _PAPER * np.percentile(brightest, 95)).mean()),
    }


def usual_looks(pictures: Iterable[Pixels]) -> dict[str, list[float]]:
    """Return the range that holds 98 % of the pictures in each feature, with a margin.

    The result is empty if there are no pictures.
    """
    measured = [measure_looks(picture) for picture in pictures]
    if not measured:
        return {}
    ranges = {}
    for name, margin in MARGINS.items():
        low, high = np.quantile([looks[name] for looks in measured], (0.01, 0.99))
        wide = max(0.0, float(low) - margin), min(1.0, float(high) + margin)
        ranges[name] = [round(end, 3) for end in wide]
    return ranges


def tell_difference(pictures: Iterable[Pixels], usual: Mapping[str, Sequence[float]]) -> str | None:
    """Say in which way most pictures differ from the usual ones; return None if they do not."""
    measured = [measure_looks(picture) for picture in pictures]
    for name, (low, high) in usual.items():
        if name not in FEATURES or not measured:
            continue
        value = float(np.median([looks[name] for looks in measured]))
        if not low <= value <= high:
            more = "more" if value > high else "less"
            return (
                f"they are {more} {FEATURES[name]}: {value:.2f}, usual is {low:.2f} to {high:.2f}"
            )
    return None
