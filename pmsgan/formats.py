"""Picture formats; light to import."""

from pathlib import Path
from typing import Literal

from pmsgan.errors import ConfigError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""Of files that are taken for pictures, in lower case."""

OutputFormat = Literal["png", "jpg", "webp", "same"]
"""What results are written as; same is JPEG, PNG or WebP as the picture's name says, else PNG."""

_FORMATS: dict[str, OutputFormat] = {
    ".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".webp": "webp",
}  # fmt: skip

_SAME = {".jpg": ".jpg", ".jpeg": ".jpg", ".webp": ".webp"}


def output_suffix(suffix: str, output_format: OutputFormat) -> str:
    """Return the suffix of a result, .png, .jpg or .webp, for a picture with `suffix`."""
    if output_format == "same":
        return _SAME.get(suffix.lower(), ".png")
    return f".{output_format}"


def format_of(path: Path) -> OutputFormat:
    """Return the format that the name of a result asks for; raise ConfigError if there is none."""
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise ConfigError(f"{path}: the name of a result ends in {', '.join(_FORMATS)}")
    return found
