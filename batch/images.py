"""Read and write single pictures."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.atomic import replacing
from pmsgan.errors import ImageError

Image = NDArray[np.uint8]
"""[H, W, 3] BGR."""

_ENCODER_SETTINGS = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 90],
}


def read_image(path: Path) -> Image:
    """Decode a picture upright, whatever its name looks like.

    Returns:
        uint8 [H, W, 3] BGR; grey becomes colour, transparency is dropped.

    Raises:
        ImageError: it cannot be read or decoded.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror}") from error
    if not data.size:
        raise ImageError("is empty")
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f"cannot be decoded: {error.err}") from error
    if image is None:
        raise ImageError("is not a picture, or is damaged")
    return image.astype(np.uint8, copy=False)


def write_image(image: Image, path: Path) -> None:
    """Encode a picture in the format of the path's suffix.

    No half picture ever has the final name.

    Raises:
        ImageError: it cannot be encoded or written.
    """
    try:
        encoded = cv2.imencode(path.suffix, image, _ENCODER_SETTINGS[path.suffix])[1].tobytes()
    except cv2.error as error:
        raise ImageError(f"its translation cannot be encoded: {error.err}") from error
    if not encoded:  # OpenCV reports some failures by an empty result alone
        raise ImageError(f"its translation cannot be encoded as {path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            # Not ndarray.tofile: it does not notice every full disk.
            temporary.write_bytes(encoded)
    except OSError as error:
        raise ImageError(f"its translation cannot be written: {error.strerror}") from error
