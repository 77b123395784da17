"""Bounds the time of a comparison."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Deadline:
    """Ends repeated work in time; the clock starts when it is made."""

    def __init__(
        self, limit_s: float = math.inf, on_step: Callable[[float], None] = lambda elapsed_s: None
    ) -> None:
        """Start the clock.

        Args:
            limit_s: time for all of the work [seconds]; by default there is no limit.
            on_step: called with the elapsed seconds after each repeated piece of work.
        """
        self._limit_s = limit_s
        self._on_step = on_step
        self._started = time.perf_counter()

    @property
    def elapsed_s(self) -> float:
        """Time since the start [seconds]."""
        return time.perf_counter() - self._started

    @property
    def left_s(self) -> float:
        """Time left [seconds], at least 0."""
        return max(0.0, self._limit_s - self.elapsed_s)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock inside."""
        stopped = time.perf_counter()
        try:
            yield
        finally:
            self._started += time.perf_counter() - stopped

    def allows(self, seconds: float) -> bool:
        """Say whether at least this much time is left."""
        return seconds <= self.left_s

    def repeat(self, count: int, then: int = 0) -> Iterator[int]:
        """Yield `count` times, or as often as there is time, but at least once.

        Args:
            count: how often.
            then: pieces of work of the same length that come afterwards and must fit, too.
        """
        longest_s = 0.0
        for number in range(count):
            if number and not self.allows((1 + then) * longest_s):
                return
            started_s = self.elapsed_s
            yield number
            longest_s = max(longest_s, self.elapsed_s - started_s)
            self._on_step(self.elapsed_s)
