"""Enlarge a translated picture with the picture itself as the guide.

The fast guided filter: He and Sun, "Fast Guided Filter", 2015, arXiv 1505.00996. In each small
window, the translation is taken for a linear function of the picture's grey levels. Its two
coefficients are smooth, so they can be enlarged without harm; the picture gives the lines.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.pictures.colour import Pixels

_STRIP_PIXELS = 1 << 16
"""Number of pixels that are computed at a time, so that they fit a core's cache."""

_Floats = NDArray[np.float32]


def enlarge_guided(
    translated: Pixels,
    seen: Pixels,
    guide: Pixels,
    *,
    radius: int,
    epsilon: float,
    strip_pixels: int = _STRIP_PIXELS,
) -> Pixels:
    """Bring a translation to the size of its guide.

    Args:
        translated: uint8 [h, w, 3] BGR, or grey levels [h, w].
        seen: the network's input, uint8 [h, w, 3] BGR.
        guide: grey levels of the same picture in the result's size, uint8 [H, W].
        radius: of the windows, at the network's size [pixels].
        epsilon: variance of grey levels in 0..1 below which the result is smoothed.
        strip_pixels: how many pixels are computed at a time; the result is the same.

    Returns:
        uint8 [H, W, 3] BGR, or [H, W].
    """
    slope, offset = _coefficients(translated, seen, radius, epsilon)
    height, width = guide.shape
    channels = translated.shape[2:]
    result = np.empty((height, width, *channels), np.uint8)
    # OpenCV rounds a single row in another way than the rows of a larger picture.
    num_rows = min(height, max(2, strip_pixels // width))
    line, base = (np.empty((num_rows, width, *channels), np.float32) for _ in range(2))
    for bottom in (*range(num_rows, height, num_rows), height):
        top = bottom - num_rows
        grey = guide[top:bottom]
        if channels:
            grey = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
        _enlarge_rows(slope, height, top, line)
        _enlarge_rows(offset, height, top, base)
        cv2.multiply(line, grey, dst=line, dtype=cv2.CV_32F)
        # OpenCV rounds and clips to 0..255.
        cv2.add(line, base, dst=result[top:bottom], dtype=cv2.CV_8U)
    return result


def _coefficients(
    translated: Pixels, seen: Pixels, radius: int, epsilon: float
) -> tuple[_Floats, _Floats]:
    """Return a and b of `a guide + b`, float32 [h, w, 3] or [h, w], for levels 0..255."""

    def box(image: _Floats) -> None:
        side = 2 * radius + 1
        cv2.blur(image, (side, side), dst=image, borderType=cv2.BORDER_REPLICATE)

    guide = _levels(np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), np.uint8))  # [h, w]
    variance = guide * guide
    guide_mean = guide.copy()
    box(variance)
    box(guide_mean)
    variance -= guide_mean * guide_mean
    variance += np.float32(epsilon)
    slopes, offsets = [], []
    for channel in cv2.split(translated):
        mean = _levels(np.asarray(channel, np.uint8))
        slope = mean * guide
        box(mean)
        box(slope)
        slope -= mean * guide_mean  # the covariance with the guide
        slope /= variance
        offset = mean
        offset -= slope * guide_mean
        offset *= np.float32(255)
        box(slope)
        box(offset)
        slopes.append(slope)
        offsets.append(offset)
    if translated.ndim == 2:
        return slopes[0], offsets[0]
    return np.dstack(slopes), np.dstack(offsets)


def _levels(image: Pixels) -> _Floats:
    """Return grey levels in 0..1."""
    return image.astype(np.float32) * np.float32(1 / 255)


def _enlarge_rows(image: _Floats, height: int, top: int, rows: _Floats) -> None:
    """Enlarge an image [h, w, 3] or [h, w] bilinearly, and write some rows of the result.

    Args:
        image: what to enlarge.
        height: of the whole result.
        top: number of the first row to write.
        rows: [n, W, 3] or [n, W] of the result, written in place.
    """
    # OpenCV cannot begin within a picture: it computes along the rows alone.
    at = (np.arange(top, top + len(rows)) + 0.5) * (len(image) / height) - 0.5
    above = np.floor(at).astype(np.intp)
    weight = (at - above).astype(np.float32).reshape(-1, *[1] * (image.ndim - 1))
    narrow = image[np.clip(above, 0, len(image) - 1)]
    narrow *= 1 - weight
    narrow += image[np.clip(above + 1, 0, len(image) - 1)] * weight
    cv2.resize(narrow, rows.shape[1::-1], dst=rows, interpolation=cv2.INTER_LINEAR)
