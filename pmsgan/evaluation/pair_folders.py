"""Write held-out pairs as folders of inputs and targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError, EvaluationError


@dataclass(frozen=True, slots=True)
class PairFolders:
    """Two folders of PNGs with the same names."""

    inputs: Path
    truth: Path


def write_pair_folders(
    pairs: Sequence[Pair], folder: Path, size: tuple[int, int] | None
) -> PairFolders:
    """Write pairs below a folder.

    Args:
        pairs: at least one.
        folder: exists.
        size: height and width that both sides are fitted into [pixels]; None keeps their own.

    Raises:
        DataError: a picture cannot be read, or there is none.
        EvaluationError: the pictures cannot be written.
    """
    if not pairs:
        raise DataError("there are no pairs to evaluate on: all of them are used for training")
    folders = PairFolders(folder / "inputs", folder / "truth")
    try:
        for pair in pairs:
            for picture, side in ((pair.input, folders.inputs), (pair.target, folders.truth)):
                path = side / f"{pair.name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_png(path, picture.read() if size is None else picture.read_at(*size))
    except OSError as error:
        raise EvaluationError(
            f"cannot write to {folder}: {error.strerror}; TMPDIR sets its location"
        ) from error
    return folders


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Write uint8 [H, W, 3] BGR, and the folders that it lies in; raise OSError if that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
