"""Measure where the time of a run goes."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from pmsgan.counts import count

T = TypeVar("T")


class Stopwatch:
    """Counts steps, and separates waiting for pictures from training on them."""

    def __init__(self) -> None:
        """Start the clock."""
        self._start = time.perf_counter()
        self._waited_s = 0.0
        self.num_steps = 0
        """Steps of this run, without those that it was resumed after."""

    @property
    def seconds(self) -> float:
        """Seconds since the first batch was there."""
        return time.perf_counter() - self._start

    def waiting_for(self, batches: Iterable[T]) -> Iterator[T]:
        """Pass batches on; the time until each is there counts as waiting, from the second on.

        The first one waits for the workers to start.
        """
        asked = time.perf_counter()
        for batch in batches:
            if self.num_steps:
                self._waited_s += time.perf_counter() - asked
            else:
                self._start = time.perf_counter()
            self.num_steps += 1
            yield batch
            asked = time.perf_counter()

    def summary(self) -> str:
        """Say how fast the run was, and how much of it was waiting for pictures."""
        seconds = max(self.seconds, 1e-9)
        return (
            f"{count(self.num_steps, 'step')} in {seconds:.1f} s, "
            f"{self.num_steps / seconds:.2f} steps/s, "
            f"{self._waited_s / seconds:.1%} of the time spent waiting for pictures"
        )
