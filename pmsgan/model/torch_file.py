"""Read files of torch.save that may come from a stranger."""

import math
import os
import zipfile
from pathlib import Path
from typing import IO, Any

import torch

from pmsgan.regular_file import open_regular


def read_torch_file(path: Path, max_bytes: float = math.inf) -> Any:
    """Read tensors and plain values, on the CPU; no code in the file is run.

    Memory is bounded by the size of the file: an archive that unpacks to more is refused.

    Args:
        path: the file; links lead to it.
        max_bytes: the largest size that is read [bytes].

    Raises:
        FileNotFoundError: it does not exist.
        OSError: it cannot be read, or is a pipe or a device, or is larger.
        ValueError: it is damaged, holds more than tensors, or unpacks to more than its size.
    """
    with open_regular(path, max_bytes) as file:
        try:
            _refuse_bombs(file, os.fstat(file.fileno()).st_size)
            return torch.load(file, map_location="cpu", weights_only=True)
        except OSError:
            raise
        except Exception as error:  # the errors of a damaged file share no base class
            raise ValueError("it is damaged, or holds more than tensors") from error


def _refuse_bombs(file: IO[bytes], size: int) -> None:
    """Raise ValueError for an archive whose members are compressed, or overlap."""
    if zipfile.is_zipfile(file):
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
        is_packed = any(it.compress_type != zipfile.ZIP_STORED for it in members)
        if is_packed or sum(it.file_size for it in members) > size:
            raise ValueError("it unpacks to more than its size")
    file.seek(0)
