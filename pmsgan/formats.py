"""Picture formats; light to import."""

from typing import Literal

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""Of files that are taken for pictures, in lower case."""

ImageFormat = Literal["png", "jpg", "webp"]
"""What results are written as, and their suffix."""
