"""Records of a run: settings, losses, samples."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from pmsgan.directory import Directory
from pmsgan.errors import CheckpointError

_log = logging.getLogger(__name__)

CONFIG_NAME = "config.json"
METRICS_NAME = "metrics.jsonl"
CHECKPOINT_NAME = "checkpoint.pt"
BEST_NAME = "best.pt"
SAMPLES_NAME = "samples"
TENSORBOARD_NAME = "tensorboard"


class RunFolder:
    """Files in the folder of one run, beside its checkpoint; no link in it is followed."""

    def __init__(self, folder: Directory, board: SummaryWriter) -> None:
        """Take an open folder and an open TensorBoard log; `open_run_folder` makes both."""
        self._folder = folder
        self._board = board

    def note(self, step: int, seconds: float, losses: Mapping[str, float]) -> None:
        """Append the losses after `step` to metrics.jsonl and TensorBoard.

        Raises:
            CheckpointError: they cannot be written.
        """
        line = json.dumps({"step": step, "seconds": round(seconds, 3), **losses})
        try:
            number = self._folder.open(METRICS_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            with os.fdopen(number, "a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            path = self._folder.path / METRICS_NAME
            raise CheckpointError(f"cannot write {path}: {error.strerror}") from error
        for name, loss in losses.items():
            self._board.add_scalar(f"loss/{name}", loss, step)

    def show(self, step: int, grid: NDArray[np.uint8]) -> None:
        """Keep a sample grid, uint8 [H, W, 3] BGR; one that cannot be written is a warning."""
        name, encoded = f"step_{step:07d}.png", cv2.imencode(".png", grid)[1]
        try:
            with self._folder.folder(SAMPLES_NAME, make=True) as samples:
                samples.write(name, encoded.tobytes())
        except OSError as error:
            path = self._folder.path / SAMPLES_NAME / name
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
        CheckpointError: it cannot be written, or the folder of TensorBoard's log is a link.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            opened = held.enter_context(Directory(folder))
            opened.write(CONFIG_NAME, (json.dumps(settings, indent=2) + "\n").encode())
            opened.folder(TENSORBOARD_NAME, make=True).close()  # TensorBoard would follow a link
            board = SummaryWriter(str(folder / TENSORBOARD_NAME), purge_step=num_steps_done + 1)
        except OSError as error:
            raise CheckpointError(f"cannot write to {folder}: {error.strerror}") from error
        held.enter_context(board)
        yield RunFolder(opened, board)
