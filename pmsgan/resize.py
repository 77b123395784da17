"""Resize pictures to a network's size, in the same way for training and converting."""

import cv2
import numpy as np
from numpy.typing import NDArray


def resize_into(image: NDArray[np.uint8], row: NDArray[np.uint8]) -> None:
    """Stretch a picture over another: averaged when it gets smaller, bicubic when larger.

    Args:
        image: uint8 [h, w, 3].
        row: uint8 [H, W, 3], contiguous; written in place.
    """
    if image.shape == row.shape:
        row[:] = image
        return
    height, width = row.shape[:2]
    shrinks = height * width < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    cv2.resize(image, (width, height), dst=row, interpolation=method)
