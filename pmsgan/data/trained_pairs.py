"""Record the pairs that a network was trained on, as hashes of their names and files.

The hashes show whether a pair was trained on, and do not reveal its name or its picture.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from pmsgan.batch.files.local import read_through_links
from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError, ImageError, StyleError

Hashes = NDArray[np.uint64]
"""Sorted hashes of 8 bytes, each once."""


@dataclass(frozen=True, slots=True)
class TrainedPairs:
    """Hashes of pairs; two different ones collide once in 10^19 cases."""

    names: Hashes
    """Hashes of the pairs' names."""
    files: Hashes
    """Hashes of the content of each of the pairs' files."""

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> "TrainedPairs":
        """Read the files of pairs; one that cannot be read was not trained on."""
        names, files = [], []
        for pair in pairs:
            names.append(_name_hash(pair.name))
            files += _file_hashes((pair.input.path, pair.target.path))
        return cls(_as_hashes(names), _as_hashes(files))

    @classmethod
    def from_bytes(cls, content: bytes) -> "TrainedPairs":
        """Read the output of `to_bytes`; raise DataError if it is invalid."""
        try:
            arrays = safetensors.numpy.load(content)
            return cls(_as_hashes(arrays["names"]), _as_hashes(arrays["files"]))
        except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
            raise DataError(f"this is not a record of trained pairs: {error}") from error

    def to_bytes(self) -> bytes:
        """Return the content of a safetensors file: 24 bytes or less for each pair."""
        content: bytes = safetensors.numpy.save({"names": self.names, "files": self.files})
        return content

    def __or__(self, other: "TrainedPairs") -> "TrainedPairs":
        """Return the pairs of both."""
        return TrainedPairs(
            np.union1d(self.names, other.names), np.union1d(self.files, other.files)
        )

    def has_file(self, *paths: Path) -> bool:
        """Say whether one of these files was trained on, whatever its name is now."""
        return bool(np.isin(_as_hashes(_file_hashes(paths)), self.files).any())

    def has_name(self, name: str) -> bool:
        """Say whether a pair of this name was trained on, whatever its content."""
        return bool(np.isin(_as_hashes([_name_hash(name)]), self.names).any())


def read_record(path: Path) -> TrainedPairs:
    """Read the file that a style keeps its record in.

    Raises:
        StyleError: it cannot be read.
    """
    try:
        return TrainedPairs.from_bytes(path.read_bytes())
    except (OSError, DataError) as error:
        raise StyleError(f"{path} cannot be read: {error}") from error


def _name_hash(name: str) -> int:
    return _hash(name.encode("utf-8", "surrogateescape"))


def _file_hashes(paths: Iterable[Path]) -> list[int]:
    """Return the hashes of those files that can be read."""
    hashes = []
    for path in dict.fromkeys(paths):  # both sides of a pair may lie in one file
        with contextlib.suppress(ImageError):
            hashes.append(_hash(read_through_links(path)))
    return hashes


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _as_hashes(hashes: Iterable[int]) -> Hashes:
    return np.unique(np.asarray(list(hashes), np.uint64))
