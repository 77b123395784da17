"""Reads the settings of a request from its query."""

from typing import Annotated

from fastapi import Query, Request

from pmsgan.batch.settings import ConvertSettings, Fit, KeepMetadata, NamedSize
from pmsgan.errors import ConfigError
from pmsgan.formats import OutputFormat
from pmsgan.styles.palette import parse_palette

_DEFAULT = ConvertSettings()
_MAX_TEXT = 2000
_NAMES = {"format", "size", "fit", "quality", "metadata", "palette", "shade", "name"}


async def read_options(
    request: Request,
    output_format: Annotated[
        OutputFormat,
        Query(
            alias="format",
            description="Format of the result; same keeps JPEG, PNG and WebP, and turns the rest "
            "into PNG; ora is OpenRaster with layers.",
        ),
    ] = _DEFAULT.output_format,
    size: Annotated[
        str,
        Query(
            max_length=10,
            description="Size of the result: source, style, or its long side in pixels.",
        ),
    ] = str(_DEFAULT.output_size),
    fit: Annotated[
        Fit,
        Query(
            description="How a picture of another shape fits: pad keeps its proportions and fills "
            "the rest, stretch changes them, crop keeps the middle."
        ),
    ] = _DEFAULT.fit,
    quality: Annotated[
        int, Query(ge=1, le=100, description="Quality of JPEG and WebP.")
    ] = _DEFAULT.quality,
    metadata: Annotated[
        KeepMetadata, Query(description="Whether the result keeps the picture's EXIF data and XMP.")
    ] = _DEFAULT.metadata,
    palette: Annotated[
        str | None,
        Query(
            max_length=_MAX_TEXT,
            description="Colours of the parts, for a style that has parts: "
            "hair=#2244aa,skin=#f0c8a0 or random:7.",
        ),
    ] = None,
    shade: Annotated[
        bool, Query(description="Shade the parts, for a style that has parts.")
    ] = _DEFAULT.shade,
) -> ConvertSettings:
    """Return the settings of a request.

    Raises:
        ConfigError: a value is out of range, or there is no such option.
    """
    if unknown := set(request.query_params) - _NAMES:
        raise ConfigError(f"there is no option {min(unknown)}: /docs lists the options")
    return ConvertSettings(
        output_format=output_format,
        output_size=_size(size),
        fit=fit,
        quality=quality,
        metadata=metadata,
        palette=None if palette is None else parse_palette(palette),
        shade=shade,
    )


def _size(text: str) -> NamedSize | int:
    if text in ("source", "style"):
        return text  # type: ignore[return-value]
    if text.isascii() and text.isdigit():
        return int(text)
    raise ConfigError(f"size is {text!r}: it must be source, style, or a number of pixels")
