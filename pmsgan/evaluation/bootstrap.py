"""Paired bootstrap: how much the difference of two methods depends on the pictures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pmsgan.spread import digits

NUM_RESAMPLES = 10_000
CONFIDENCE = 0.95
SEED = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean difference of two methods over the same pictures, with its interval."""

    mean: float
    low: float
    high: float
    """Ends of the interval of `CONFIDENCE`."""

    def __str__(self) -> str:
        """Return the figures in three digits, for people."""
        return f"{_signed(self.mean)} ({_signed(self.low)} .. {_signed(self.high)})"


def paired_difference(
    ours: Mapping[str, float], reference: Mapping[str, float]
) -> Difference | None:
    """Return how much higher one method scores than another, by the percentile bootstrap.

    Both methods are resampled by the same pictures (Efron and Tibshirani, "An Introduction to the
    Bootstrap", 1993, chapter 13). The seed is fixed, so the interval is the same in each run.

    Args:
        ours: value of each picture, by its name.
        reference: value of each picture of the other method.

    Returns:
        None where fewer than two pictures have a finite value in both.
    """
    names = [name for name in ours if name in reference]
    differences = np.array([ours[name] - reference[name] for name in names], np.float64)
    differences = differences[np.isfinite(differences)]
    count = len(differences)
    if count < 2:
        return None
    rng = np.random.default_rng(SEED)
    means = [differences[rng.integers(0, count, count)].mean() for _ in range(NUM_RESAMPLES)]
    rest = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(means, (rest, 1.0 - rest))
    return Difference(float(differences.mean()), float(low), float(high))


def _signed(value: float) -> str:
    sign = "-" if math.copysign(1.0, value) < 0 else "+"
    return f"{sign}{digits(abs(value))}"
