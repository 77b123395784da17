"""Pairs of pictures on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.files.local import read_through_links
from pmsgan.batch.pictures.decode import quiet_pillow
from pmsgan.batch.pictures.fit import fit_into_row, place
from pmsgan.batch.pictures.load import load, load_whole
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError, DataError, ImageError
from pmsgan.formats import PICTURE_SUFFIXES

_USUAL = ConvertSettings(output_size="style")


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture file, or one half of a side-by-side file.

    It is read as `pmsgan convert` reads it, with the same limits: upright, sRGB, on white where it
    is transparent.
    """

    path: Path
    half: Literal["whole", "left", "right"] = "whole"

    def read(self) -> NDArray[np.uint8]:
        """Return uint8 [H, W, 3] BGR.

        Raises:
            DataError: the file cannot be read or is not a picture.
        """
        with self._as_data_error():
            image = load_whole(read_through_links(self.path))
            if self.half == "whole":
                return image
            if image.shape[1] < 2:
                raise ImageError("is one pixel wide and has no two halves")
        middle = image.shape[1] // 2
        return image[:, :middle] if self.half == "left" else image[:, middle:]

    def read_at(self, height: int, width: int) -> NDArray[np.uint8]:
        """Return uint8 [height, width, 3] BGR, fitted into that size.

        Its proportions are kept, and its edge fills what is missing, as by `pmsgan convert`.

        Raises:
            DataError: the file cannot be read or is not a picture.
        """
        row = np.empty((height, width, 3), np.uint8)
        if self.half != "whole":
            image = self.read()
            fitted = place(image.shape[:2], (height, width), _USUAL.fit, "style")
            fit_into_row(image, fitted, row)
            return row
        with self._as_data_error():
            # The one way of `pmsgan convert`, which decodes a large JPEG smaller.
            load(read_through_links(self.path), (height, width), _USUAL).fill(row)
        return row

    @contextmanager
    def _as_data_error(self) -> Iterator[None]:
        """Name the file in an error."""
        try:
            with quiet_pillow():
                yield
        except ImageError as error:
            raise DataError(f"{self.path} {error}; replace it or remove it") from error


@dataclass(frozen=True, slots=True)
class Pair:
    """An input and the output that is wanted for it."""

    name: str
    input: PictureFile
    target: PictureFile


def find_pairs(root: Path, direction: str) -> list[Pair]:
    """List the pairs below a folder, by name.

    Args:
        root: either two sub-folders with pictures of the same names, or side-by-side pictures.
        direction: `FROM:TO`. For side-by-side pictures `left:right` or `right:left`; for two
            sub-folders their names, such as `sketch:face`.

    Raises:
        ConfigError: the direction cannot be read.
        DataError: the folder holds no pairs, or names without a partner.
    """
    source, target = read_direction(direction)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: give the folder that holds the pairs")
    if {source, target} == {"left", "right"}:
        return _side_by_side(root, source == "left")
    return _two_folders(root / source, root / target)


def read_direction(direction: str) -> tuple[str, str]:
    """Split `FROM:TO`; raise ConfigError if it is not that."""
    source, separator, target = direction.partition(":")
    if not separator or not source or not target or source == target:
        raise ConfigError(
            f"direction is {direction!r}: write FROM:TO, such as left:right or sketch:face"
        )
    return source, target


def list_pictures(folder: Path) -> dict[str, Path]:
    """Map names without suffix to the pictures of a folder.

    Raises:
        DataError: it is no folder, or holds no pictures.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: give the folder that holds the pictures")
    if not (found := _pictures(folder)):
        raise DataError(f"{folder} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return found


def _side_by_side(root: Path, left_first: bool) -> list[Pair]:
    pairs = []
    for name, path in sorted(_pictures(root).items()):
        left, right = PictureFile(path, "left"), PictureFile(path, "right")
        pairs.append(Pair(name, left, right) if left_first else Pair(name, right, left))
    if not pairs:
        folders = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
        hint = f"; for two of its folders ({', '.join(folders)}) give --direction FROM:TO"
        raise DataError(f"{root} holds no side-by-side pictures{hint if folders else ''}")
    return pairs


def _two_folders(inputs: Path, targets: Path) -> list[Pair]:
    for folder in (inputs, targets):
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder: --direction FROM:TO names two sub-folders")
    sources, answers = _pictures(inputs), _pictures(targets)
    lonely = sorted(sources.keys() ^ answers.keys())
    if lonely:
        raise DataError(
            f"{len(lonely)} pictures have no partner of the same name in {inputs} and {targets}: "
            f"{', '.join(lonely[:5])}"
        )
    if not sources:
        raise DataError(f"{inputs} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return [
        Pair(name, PictureFile(sources[name]), PictureFile(answers[name]))
        for name in sorted(sources)
    ]


def _pictures(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith("."):
            if path.stem in found:
                raise DataError(
                    f"{found[path.stem]} and {path.name} have one name: rename or remove one"
                )
            found[path.stem] = path
    return found
