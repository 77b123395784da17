"""Records of a run: settings, losses, samples."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from pmsgan.errors import CheckpointError

_log = logging.getLogger(__name__)

CONFIG_NAME = "config.json"
METRICS_NAME = "metrics.jsonl"
CHECKPOINT_NAME = "checkpoint.pt"
BEST_NAME = "best.pt"
SAMPLES_NAME = "samples"
TENSORBOARD_NAME = "tensorboard"


class RunFolder:
    """Files in the folder of one run, beside its checkpoint."""

    def __init__(self, folder: Path, board: SummaryWriter) -> None:
        """Take an open TensorBoard log; `open_run_folder` makes both."""
        self._folder = folder
        self._board = board

    def note(self, step: int, seconds: float, losses: Mapping[str, float]) -> None:
        """Append the losses after `step` to metrics.jsonl and TensorBoard.

        Raises:
            CheckpointError: they cannot be written.
        """
        line = json.dumps({"step": step, "seconds": round(seconds, 3), **losses})
        path = self._folder / METRICS_NAME
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise CheckpointError(f"cannot write {path}: {error.strerror}") from error
        for name, loss in losses.items():
            self._board.add_scalar(f"loss/{name}", loss, step)

    def show(self, step: int, grid: NDArray[np.uint8]) -> None:
        """Keep a sample grid, uint8 [H, W, 3] BGR; one that cannot be written is a warning."""
        path = self._folder / SAMPLES_NAME / f"step_{step:07d}.png"
        encoded = cv2.imencode(".png", grid)[1]
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encoded.tobytes())
        except OSError as error:
            _log.warning("cannot write the samples %s: %s", path, error.strerror)
        self._board.add_image("samples", grid[..., ::-1], step, dataformats="HWC")


@contextmanager
def open_run_folder(
    folder: Path, settings: Mapping[str, Any], num_steps_done: int
) -> Iterator[RunFolder]:
    """Make the folder if need be and write config.json.

    Args:
        folder: of the run.
        settings: what JSON can hold.
        num_steps_done: TensorBoard's entries from later steps, left by a run that died, are
            dropped.

    Raises:
        CheckpointError: it cannot be written.
    """
    path = folder / CONFIG_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        board = SummaryWriter(str(folder / TENSORBOARD_NAME), purge_step=num_steps_done + 1)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror}") from error
    with board:
        yield RunFolder(folder, board)
