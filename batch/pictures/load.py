"""Read a picture for an engine, and write what became of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pmsgan.batch.pictures.decode import (
    PROFILE_IGNORED,
    FileStamp,
    Picture,
    Pixels,
    decode,
    on_white,
    read_file,
    to_srgb,
)
from pmsgan.batch.pictures.fit import Placement, place, put, take, take_alpha
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError


@dataclass(slots=True)
class Loaded:
    """A picture on its way to the engine, and what its result needs of it."""

    picture: Picture
    placement: Placement
    stamp: FileStamp
    alpha: Pixels | None
    """[h, w] of the result, 0 transparent .. 255 opaque; None where all is opaque."""
    note: str | None
    """What a user should know of the picture."""

    def fill(self, row: Pixels) -> None:
        """Write the picture into an engine's row uint8 [H, W, 3] BGR, and let go of it.

        Raises:
            ImageError: it cannot be brought to that size.
        """
        picture = self.picture
        with _one_picture_s_fault():
            put(picture.pixels, self.placement, row)
            if picture.profile is not None and not to_srgb(row, picture.profile):
                self.note = "; ".join(filter(None, (self.note, PROFILE_IGNORED)))
        picture.pixels = np.empty((0, 0, 3), np.uint8)


def load(path: Path, style_size: tuple[int, int], settings: ConvertSettings) -> Loaded:
    """Read and decode a picture.

    Args:
        path: the file.
        style_size: height and width of the style's pictures [pixels].
        settings: how it is brought to that size.

    Raises:
        ImageError: it cannot be read or decoded.
    """
    return load_bytes(*read_file(path), style_size, settings)


def load_bytes(
    data: bytes, stamp: FileStamp, style_size: tuple[int, int], settings: ConvertSettings
) -> Loaded:
    """Decode a picture.

    Args:
        data: a whole file.
        stamp: of that file, when it was read.
        style_size: height and width of the style's pictures [pixels].
        settings: how it is brought to that size.

    Raises:
        ImageError: it cannot be decoded.
    """
    # Of a crop it is not known before how large it has to be.
    picture = decode(data, wanted=None if settings.fit == "crop" else style_size)
    placement = place(picture.full_size, style_size, settings.fit, settings.output_size)
    alpha = picture.alpha
    if alpha is not None:
        with _one_picture_s_fault():
            alpha = take_alpha(alpha, placement)
        picture.alpha = None
    return Loaded(picture, placement, stamp, alpha, picture.note)


def encode(translated: Pixels, loaded: Loaded, suffix: str, settings: ConvertSettings) -> bytes:
    """Make a file of a translated picture uint8 [H, W, 3] BGR.

    The picture's transparency is kept in PNG and WebP; a JPEG shows it on white.

    Args:
        translated: what the engine made of it.
        loaded: the picture.
        suffix: .png, .jpg or .webp.
        settings: compression.

    Raises:
        ImageError: it cannot be encoded.
    """
    options = {
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, settings.png_level],
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, settings.quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, settings.quality],
    }
    with _one_picture_s_fault():
        result = take(translated, loaded.placement)
        if loaded.alpha is not None and suffix == ".jpg":
            result = on_white(result, loaded.alpha)
        elif loaded.alpha is not None:
            result = np.dstack([result, loaded.alpha])
        is_encoded, data = cv2.imencode(suffix, result, options[suffix])
    if not is_encoded:
        height, width = result.shape[:2]
        raise ImageError(
            f"its translation of {width}x{height} cannot be encoded as {suffix}: try another format"
        )
    return data.tobytes()


@contextmanager
def _one_picture_s_fault() -> Iterator[None]:
    """Turn what sizes that nobody thought of do into an error of this picture."""
    try:
        yield
    except (cv2.error, MemoryError, ValueError) as error:
        raise ImageError(f"has a size or a shape that cannot be converted: {error}") from error


def check_translated(translated: Pixels, original: Pixels) -> None:
    """Refuse a translation of one colour, which is what NaN comes out as.

    Args:
        translated: uint8 [H, W, 3].
        original: what the engine was given, likewise; of one colour, its translation may be, too.

    Raises:
        ImageError: it is.
    """
    if _is_flat(translated) and not _is_flat(original):
        raise ImageError("its translation has one colour only: try --precision fp32")


def _is_flat(image: Pixels) -> bool:
    # Most pictures are told apart by a few pixels.
    return all(bool((part == image[0, 0]).all()) for part in (image[::64, ::64], image))
