"""Crop faces so that the eyes are always in the same place."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.data.config import AlignConfig, Eyes
from pmsgan.errors import DataError


def align_face(image: NDArray[np.uint8], eyes: Eyes, config: AlignConfig) -> NDArray[np.uint8]:
    """Turn, scale and shift a face so that its eyes are where the config says.

    Args:
        image: uint8 [H, W, 3] BGR.
        eyes: their places now.
        config: their places in the crop, and the size of the crop.

    Returns:
        uint8 [config.height, config.width, 3] BGR; beyond the picture's edge its
        last pixels repeat.

    Raises:
        DataError: the two eyes are at the same place.
    """
    # A point is a complex number here: to turn and scale is to multiply by one.
    (now_left, now_right), (then_left, then_right) = (
        [complex(*point) for point in pair] for pair in (eyes, config.eyes)
    )
    if now_left == now_right:
        raise DataError("the two eyes are in the same place: correct the eyes file")
    factor = (then_right - then_left) / (now_right - now_left)
    shrink = min(1.0, abs(factor))
    small = _shrink(image, shrink)
    factor /= shrink
    shift = then_left - factor * now_left * shrink
    matrix = np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )
    crop = cv2.warpAffine(
        small,
        matrix,
        (config.width, config.height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return crop.astype(np.uint8, copy=False)


def _shrink(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Shrink by averaging, which warpAffine cannot: it would let fine texture flicker."""
    if factor == 1.0:
        return image
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )
