"""Tell translations that are no pictures."""

import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.errors import ImageError

LIVELY = 32.0
"""Standard deviation of a tile's grey levels from which on its translation has several colours."""


def check_translated(translated: Pixels, original: Pixels) -> None:
    """Refuse a translation of one colour, which is what NaN comes out as.

    Args:
        translated: uint8 [H, W, 3].
        original: the picture uint8 [H, W, 3]; if it has one colour, its translation may, too.

    Raises:
        ImageError: it is.
    """
    if is_flat(translated) and not is_flat(original):
        raise ImageError("its translation has one colour only: try --precision fp32")


def check_tile(translated: Pixels, original: Pixels) -> None:
    """Refuse a tile's translation of one colour, which a tile of paper or sky may have.

    Args:
        translated: uint8 [H, W, 3].
        original: the tile uint8 [H, W, 3].

    Raises:
        ImageError: it is, though there is much in the tile.
    """
    if is_flat(translated) and float(np.std(original)) > LIVELY:
        raise ImageError("a part of its translation has one colour only: try --precision fp32")


def is_flat(image: Pixels) -> bool:
    """Say whether an image uint8 [H, W, 3] has one colour."""
    middle = image[len(image) // 2].tobytes()
    if middle != middle[:3] * image.shape[1]:  # so most pictures are told apart
        return False
    return bool((image == image[0, 0]).all())
