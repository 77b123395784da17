"""Picture formats by the names of files; light to import."""

import importlib.util
from pathlib import Path
from typing import Literal

from pmsgan.errors import ConfigError

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".jpe", ".jif", ".pjpeg"})
HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
HEIF_HINT = "pip install pillow-heif"
PICTURE_SUFFIXES = (
    JPEG_SUFFIXES
    | {".png", ".apng", ".webp", ".bmp", ".dib", ".tif", ".tiff"}
    | {".avif", ".gif", ".jp2", ".j2k", ".j2c", ".jpx"}
    | (HEIF_SUFFIXES if importlib.util.find_spec("pillow_heif") else frozenset())
)
"""Suffixes of files that are read, in lower case."""

_UNREAD_SUFFIXES = frozenset({
    # Cameras' formats, in which a TIFF reader finds only a thumbnail.
    ".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".kdc", ".mrw", ".nef", ".nrw", ".orf",
    ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srw",
    ".dds", ".exr", ".hdr", ".ico", ".jxl", ".jxr", ".kra", ".ora", ".pbm", ".pcx", ".pgm", ".pnm",
    ".ppm", ".psb", ".psd", ".qoi", ".svg", ".tga", ".wdp", ".xcf",
})  # fmt: skip

OutputFormat = Literal["png", "jpg", "webp", "same", "ora"]
"""The format of results; same is JPEG, PNG or WebP as the picture's name says, else PNG; ora is
OpenRaster, which has layers."""

FORMAT_ALIASES = (
    dict.fromkeys(JPEG_SUFFIXES, "jpg")
    | dict.fromkeys((suffix[1:] for suffix in JPEG_SUFFIXES), "jpg")
    | {".png": "png", ".webp": "webp", ".ora": "ora"}
)
"""Other names of the formats of results, in lower case: jpeg, .jpg, .png."""


def output_suffix(suffix: str, output_format: OutputFormat) -> str:
    """Return the suffix of a result, .png, .jpg, .webp or .ora, for a picture with `suffix`."""
    if output_format != "same":
        return f".{output_format}"
    suffix = suffix.lower()
    if suffix in JPEG_SUFFIXES:
        return ".jpg"
    return ".webp" if suffix == ".webp" else ".png"


def unsupported_reason(suffix: str) -> str | None:
    """Say why pictures with this suffix are not converted; None if it is not a picture's suffix."""
    suffix = suffix.lower()
    if suffix in HEIF_SUFFIXES:
        return f"in an unsupported format: {suffix} ({HEIF_HINT})"
    return f"in an unsupported format: {suffix}" if suffix in _UNREAD_SUFFIXES else None


def format_of(path: Path) -> OutputFormat:
    """Return the format that the name of a result asks for; raise ConfigError if there is none."""
    suffix = path.suffix.lower()
    if suffix in JPEG_SUFFIXES:
        return "jpg"
    if suffix == ".png":
        return "png"
    if suffix == ".webp":
        return "webp"
    if suffix == ".ora":
        return "ora"
    raise ConfigError(f"{path}: the name of a result ends in .png, .jpg, .jpeg, .webp or .ora")
