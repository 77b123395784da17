"""Picture formats; light to import."""

from typing import Literal

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""Of files that are taken for pictures, in lower case."""

OutputFormat = Literal["png", "jpg", "webp", "same"]
"""What results are written as; same is JPEG, PNG or WebP as the picture's name says, else PNG."""

_SAME = {".jpg": ".jpg", ".jpeg": ".jpg", ".webp": ".webp"}


def output_suffix(suffix: str, output_format: OutputFormat) -> str:
    """Return the suffix of a result, .png, .jpg or .webp, for a picture with `suffix`."""
    if output_format == "same":
        return _SAME.get(suffix.lower(), ".png")
    return f".{output_format}"
