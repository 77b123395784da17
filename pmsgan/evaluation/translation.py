"""Translate a picture as `pmsgan convert` does, on an engine that is open already."""

import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.decode import DecodedPicture
from pmsgan.batch.pictures.load import LoadedPicture, prepare
from pmsgan.batch.settings import ConvertSettings
from pmsgan.engine.interface import Engine
from pmsgan.styles.scaling import Scaling

_ROWS_AT_A_TIME = 16
_USUAL = ConvertSettings()


def translate_picture(engine: Engine, picture: Pixels, scaling: Scaling) -> Pixels:
    """Translate a picture in one view or in tiles.

    Args:
        engine: open, at the size of one view of the network.
        picture: uint8 [H, W, 3] BGR; it is not changed.
        scaling: how the result gets its size.

    Returns:
        uint8 [H, W, 3] BGR, in the size of the picture.

    Raises:
        ImageError: the picture has a size that cannot be converted, or the result is not a picture.
        EngineError: the engine failed.
    """
    size = engine.info.height, engine.info.width
    loaded = prepare_picture(picture, size, scaling)
    result: Pixels | None = None
    for start in range(0, loaded.num_rows, _ROWS_AT_A_TIME):
        rows = np.empty((min(_ROWS_AT_A_TIME, loaded.num_rows - start), *size, 3), np.uint8)
        for number, row in enumerate(rows, start):
            loaded.fill(row, number)
        for number, translated in enumerate(engine.translate(rows), start):
            result = loaded.add(translated, rows[number - start], number)
    assert result is not None
    return result


def prepare_picture(picture: Pixels, size: tuple[int, int], scaling: Scaling) -> LoadedPicture:
    """Prepare a picture for the network.

    Args:
        picture: uint8 [H, W, 3] BGR; it is not changed.
        size: height and width of one view of the network [pixels].
        scaling: how the result gets its size.

    Raises:
        ImageError: the picture has a size that cannot be converted.
    """
    decoded = DecodedPicture(picture.copy(), None, picture.shape[:2], None, None)
    return prepare(decoded, size, _USUAL, scaling)
