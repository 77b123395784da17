"""Detect translations that are not pictures."""

import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.errors import ImageError

LIVELY = 32.0
"""Standard deviation of a tile's grey levels above which its translation must have several
colours."""


def check_translated(translated: Pixels, original: Pixels) -> None:
    """Refuse a translation of one colour, which NaN turns into.

    Args:
        translated: uint8 [H, W, 3].
        original: the picture uint8 [H, W, 3]; if it has one colour, its translation may, too.

    Raises:
        ImageError: the translation has one colour.
    """
    if is_flat(translated) and not is_flat(original):
        raise ImageError("its translation has only one colour: try --precision fp32")


def check_tile(translated: Pixels, original: Pixels) -> None:
    """Refuse a tile's translation of one colour, which a tile of paper or sky may have.

    Args:
        translated: uint8 [H, W, 3].
        original: the tile uint8 [H, W, 3].

    Raises:
        ImageError: the translation has one colour, and the tile has many.
    """
    if is_flat(translated) and float(np.std(original)) > LIVELY:
        raise ImageError("a part of its translation has only one colour: try --precision fp32")


def is_flat(image: Pixels) -> bool:
    """Say whether an image uint8 [H, W, 3] has one colour."""
    middle = image[len(image) // 2].tobytes()
    if middle != middle[:3] * image.shape[1]:  # so most pictures are told apart
        return False
    return bool((image == image[0, 0]).all())
