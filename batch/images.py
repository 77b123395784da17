"""Read a picture for an engine, and write what became of it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pmsgan.batch.decode import PROFILE_IGNORED, FileStamp, Picture, decode, read_file, to_srgb
from pmsgan.batch.fit import Pixels, Placement, place, put, take, take_alpha
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError


@dataclass(slots=True)
class Loaded:
    """A picture on its way to the engine, and what its result needs of it."""

    picture: Picture
    placement: Placement
    stamp: FileStamp
    alpha: Pixels | None
    """[h, w] of the result."""
    note: str | None

    def fill(self, row: Pixels) -> None:
        """Write the picture into an engine's row uint8 [H, W, 3] BGR, and let go of it."""
        picture = self.picture
        put(picture.pixels, self.placement, row)
        if picture.profile is not None and not to_srgb(row, picture.profile):
            self.note = "; ".join(filter(None, (self.note, PROFILE_IGNORED)))
        picture.pixels = picture.pixels[:0]


def load(path: Path, style_size: tuple[int, int], settings: ConvertSettings) -> Loaded:
    """Read and decode a picture.

    Args:
        path: the file.
        style_size: height and width of the style's pictures [pixels].
        settings: how it is brought to that size.

    Raises:
        ImageError: it cannot be read or decoded.
    """
    data, stamp = read_file(path)
    # Of a crop it is not known before how large it has to be.
    picture = decode(data, wanted=None if settings.fit == "crop" else style_size)
    placement = place(picture.full_size, style_size, settings.fit, settings.output_size)
    alpha = picture.alpha
    if alpha is not None:
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
    result = take(translated, loaded.placement)
    if loaded.alpha is not None:
        if suffix == ".jpg":
            weight = loaded.alpha[:, :, None].astype(np.uint16)
            result = ((result * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)
        else:
            result = np.dstack([result, loaded.alpha])
    options = {
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, settings.png_level],
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, settings.quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, settings.quality],
    }
    try:
        encoded = cv2.imencode(suffix, result, options[suffix])[1].tobytes()
    except cv2.error as error:
        raise ImageError(f"its translation cannot be encoded: {error.err}") from error
    if not encoded:  # OpenCV reports some failures by an empty result alone
        raise ImageError(f"its translation cannot be encoded as {suffix}")
    return encoded


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
