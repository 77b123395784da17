"""Errors in the middle of a run, each with a remedy."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from pmsgan.counts import count
from pmsgan.display import display
from pmsgan.errors import DataError, TrainingError
from pmsgan.training.config import TrainingConfig

MAX_BROKEN_SHARE = 0.01
"""Share of the pairs that may be unreadable."""


class BrokenPictures:
    """Names each unreadable picture once, and ends the run if there are many."""

    def __init__(self, num_pairs: int) -> None:
        self._most = max(1, int(num_pairs * MAX_BROKEN_SHARE))
        self._reasons: set[str] = set()

    def note(self, skipped: Sequence[str]) -> None:
        """Take the reasons of one batch, empty where nothing was skipped.

        Raises:
            DataError: more than 1 % of the pairs cannot be read.
        """
        for reason in sorted(set(skipped) - self._reasons - {""}):
            self._reasons.add(reason)
            display.write(f"skipped: {reason}")
        if len(self._reasons) > self._most:
            raise DataError(
                f"{count(len(self._reasons), 'picture')} cannot be read, more than "
                f"{MAX_BROKEN_SHARE:.0%} of the pairs: remove or replace the pictures named above"
            )


@contextmanager
def torch_errors_named(config: TrainingConfig) -> Iterator[None]:
    """Turn torch's errors in the middle of a run into a TrainingError with a remedy.

    These are running out of memory, and the death of another process of the run.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate" in str(error):
            raise TrainingError(
                f"out of memory with --batch-size {config.batch_size} at {config.crop_side}x"
                f"{config.crop_side} pixels: lower --batch-size, --crop or --base-channels"
            ) from error
        if isinstance(error, torch.distributed.DistError) or "closed by peer" in str(error):
            raise TrainingError(
                "another process of this run has ended: see its own error message"
            ) from error
        raise


def check_finite(losses: Mapping[str, float], step: int, checkpoint: Path) -> None:
    """Raise TrainingError if a loss is not finite, naming it, the step and the last checkpoint."""
    for name, number in losses.items():
        if not math.isfinite(number):
            last = f"continue from {checkpoint} with --resume and" if checkpoint.exists() else "try"
            raise TrainingError(
                f"the {name} loss is {number} at step {step}: {last} a lower --learning-rate"
            )
