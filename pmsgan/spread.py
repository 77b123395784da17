"""A figure that was measured several times."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """The middle of several measurements, and how far they are apart."""

    median: float
    low: float
    """The lowest of few; the lower quartile of many."""
    high: float
    """The highest of few; the upper quartile of many."""

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Return median, lowest and highest of at least one value."""
        listed = list(values)
        return cls(median=statistics.median(listed), low=min(listed), high=max(listed))

    def __str__(self) -> str:
        """For people, in three digits."""
        return f"{digits(self.median)} ({digits(self.low)} .. {digits(self.high)})"


def digits(value: float) -> str:
    """Write a number with three digits, or with all before the point: 1234, 12.3, 0.0123."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"
