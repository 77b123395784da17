"""One picture of a pair, as a file or as half of one."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmsgan.batch.files.local import read_through_links
from pmsgan.batch.pictures.decode import quiet_pillow
from pmsgan.batch.pictures.fit import fit_into_row, place
from pmsgan.batch.pictures.kinds import HEAD_BYTES, kind_of
from pmsgan.batch.pictures.load import load, load_whole
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import DataError, ImageError

Half = Literal["whole", "left", "right"]

_USUAL = ConvertSettings(output_size="style")
_WITH_SIZE_IN_HEADER = frozenset({"BMP", "GIF", "JPEG", "PNG", "TIFF"})
_TIFF_WIDTH, _TIFF_HEIGHT, _ORIENTATION = 0x0100, 0x0101, 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})
"""Values of the orientation tag by which width and height change places."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture file, or one half of a side-by-side file.

    It is read as `pmsgan convert` reads it, with the same limits: upright, sRGB, on white where it
    is transparent.
    """

    path: Path
    half: Half = "whole"

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
                raise ImageError("is one pixel wide and cannot be split into halves")
        middle = image.shape[1] // 2
        return image[:, :middle] if self.half == "left" else image[:, middle:]

    def read_at(self, height: int, width: int) -> NDArray[np.uint8]:
        """Return uint8 [height, width, 3] BGR, fitted into that size.

        Its proportions are kept, and its edge fills the rest, as in `pmsgan convert`.

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
            # As in `pmsgan convert`, which decodes a large JPEG smaller.
            load(read_through_links(self.path), (height, width), _USUAL).fill(row)
        return row

    def size(self) -> tuple[int, int]:
        """Return width and height [pixels] as `read` would find them, from the header alone.

        Raises:
            DataError: the file cannot be read or is not a picture.
        """
        with self._as_data_error():
            width, height = read_size(self.path)
        if self.half == "whole":
            return width, height
        return (width // 2 if self.half == "left" else width - width // 2), height

    @contextmanager
    def _as_data_error(self) -> Iterator[None]:
        """Name the file in an error."""
        try:
            with quiet_pillow():
                yield
        except ImageError as error:
            raise DataError(f"{self.path} {error}; replace it or remove it") from error


def read_size(path: Path) -> tuple[int, int]:
    """Read width and height [pixels] of an upright picture, from its header where that will do.

    Raises:
        ImageError: the file cannot be read or is not a picture.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ImageError("is not a file")
            kind = kind_of(file.read(HEAD_BYTES))
            file.seek(0)
            size = _size_in_header(file, kind) if kind in _WITH_SIZE_IN_HEADER else None
    except IsADirectoryError as error:
        raise ImageError("is not a file") from error
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    if size is not None:
        return size
    height, width = load_whole(read_through_links(path)).shape[:2]
    return width, height


def _size_in_header(file: IO[bytes], kind: str) -> tuple[int, int] | None:
    """Return width and height, upright; None if only decoding the file shows them."""
    try:
        with Image.open(file, formats=[kind]) as image:
            (width, height), turn = image.size, None
            # Elsewhere Pillow would decode the whole picture to look for the tag.
            if "exif" in image.info or kind == "TIFF":
                tags = image.getexif()
                turn = tags.get(_ORIENTATION)
                if kind == "TIFF":  # some versions of Pillow have turned its size by now
                    width, height = tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT]
    except Exception:  # hostile, or a case that batch/pictures corrects
        return None
    return (height, width) if turn in _SIDEWAYS else (width, height)


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a path that may be a pipe, where a plain open would block."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
