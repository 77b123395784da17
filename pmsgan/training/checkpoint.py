"""Training checkpoints: one file that a run resumes from."""

from pathlib import Path
from typing import Any

import torch

from pmsgan.atomic import replacing_open
from pmsgan.errors import CheckpointError
from pmsgan.model.torch_file import read_torch_file


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write tensors, numbers and strings to `path`; an interrupted write leaves the old file.

    Raises:
        CheckpointError: the file cannot be written.
    """
    try:
        with replacing_open(path) as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"cannot save {path}: {error}; free some space and continue with --resume"
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, tensors on the CPU; no code in the file is run.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        state = read_torch_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist: there is nothing to resume") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a readable checkpoint: it is damaged, or holds more than tensors and "
            "plain values"
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} is not a checkpoint of pmsgan")
    return state
