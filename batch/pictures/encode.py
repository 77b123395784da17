"""Encode an engine's result as a file."""

import cv2
import numpy as np

from pmsgan.batch.pictures.colour import Pixels, on_white
from pmsgan.batch.pictures.load import LoadedPicture, as_image_error
from pmsgan.batch.pictures.metadata import add_metadata
from pmsgan.batch.pictures.open_raster import write_open_raster
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError


def encode(result: Pixels, loaded: LoadedPicture, suffix: str, settings: ConvertSettings) -> bytes:
    """Encode a result as a file.

    PNG, WebP and OpenRaster keep the picture's transparency; a JPEG shows it on white. A note in
    `loaded` says which metadata is left out.

    Args:
        result: uint8 [h, w, 3] BGR, from `loaded`.
        loaded: the picture.
        suffix: .png, .jpg, .webp or .ora.
        settings: compression, metadata.

    Raises:
        ImageError: it cannot be encoded.
    """
    if suffix == ".ora":
        return _encode_layers(result, loaded, settings)
    with as_image_error():
        if loaded.alpha is not None and suffix == ".jpg":
            result = on_white(result, loaded.alpha)
        elif loaded.alpha is not None:
            result = np.dstack([result, loaded.alpha])
        is_encoded, data = cv2.imencode(suffix, result, _options(suffix, settings))
    height, width = result.shape[:2]
    if not is_encoded:
        raise ImageError(
            f"its translation of {width}x{height} cannot be encoded as {suffix}: try another format"
        )
    source = loaded.picture.metadata
    # Every copy of a file's bytes keeps all other threads waiting: there is one.
    view = data.ravel().data
    file, notes = add_metadata(view, suffix, source, (height, width), settings)
    for note in notes:
        loaded.add_note(note)
    return file


def _options(suffix: str, settings: ConvertSettings) -> list[int]:
    if suffix == ".png":
        return png_options(settings.png_level)
    flag = cv2.IMWRITE_JPEG_QUALITY if suffix == ".jpg" else cv2.IMWRITE_WEBP_QUALITY
    return [flag, settings.quality]


def _encode_layers(result: Pixels, loaded: LoadedPicture, settings: ConvertSettings) -> bytes:
    merged = encode(result, loaded, ".png", settings)
    layers = () if loaded.colouring is None else loaded.colouring.layers
    with as_image_error():
        return write_open_raster(
            merged, result, layers, loaded.alpha, png_options(settings.png_level)
        )


def png_options(level: int) -> list[int]:
    """Return OpenCV's parameters for a level of PNG compression, 0 to 9.

    Level 1 filters each row by the one above (Up) and looks for runs of one byte alone (RLE): that
    is the fastest, and small for drawings. Levels 2 and 3 choose the best filter for each row;
    from 4 on zlib looks for longer matches, too. Figures: docs/benchmarks.md, PNG.
    """
    filters = cv2.IMWRITE_PNG_FILTER_UP if level <= 1 else cv2.IMWRITE_PNG_ALL_FILTERS
    strategy = cv2.IMWRITE_PNG_STRATEGY_RLE if level <= 3 else cv2.IMWRITE_PNG_STRATEGY_FILTERED
    return [
        *(cv2.IMWRITE_PNG_COMPRESSION, level),
        *(cv2.IMWRITE_PNG_FILTER, filters),
        *(cv2.IMWRITE_PNG_STRATEGY, strategy),
    ]
