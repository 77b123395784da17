"""What a run notes about itself: losses as JSON lines, and where its time went."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pmsgan.errors import CheckpointError

T = TypeVar("T")

METRICS_NAME = "metrics.jsonl"


class RunLog:
    """Appends to metrics.jsonl in the run folder, and counts steps and waiting."""

    def __init__(self, run_folder: Path) -> None:
        """Start the clock."""
        self._path = run_folder / METRICS_NAME
        self._start = time.perf_counter()
        self._waited_s = 0.0
        self.num_steps = 0
        """Steps of this run, without those that it was resumed after."""

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

    def note(self, step: int, losses: dict[str, float]) -> None:
        """Append one line: step, seconds since the start, and the losses.

        Raises:
            CheckpointError: it cannot be written.
        """
        seconds = round(time.perf_counter() - self._start, 3)
        line = json.dumps({"step": step, "seconds": seconds} | losses)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise CheckpointError(f"cannot write {self._path}: {error.strerror}") from error

    def summary(self) -> str:
        """Say how fast the run was, and how much of it was waiting for pictures."""
        seconds = max(time.perf_counter() - self._start, 1e-9)
        return (
            f"{self.num_steps} steps in {seconds:.1f} s, {self.num_steps / seconds:.2f} steps/s, "
            f"{self._waited_s / seconds:.1%} of the time waiting for pictures"
        )
