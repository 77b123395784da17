"""Open a BMP: colours packed by any masks, also with transparency, are unpacked here."""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image

from pmsgan.batch.pictures.opened import CUT_OFF, OpenedPicture, check_size, damaged
from pmsgan.errors import ImageError

_MAX_RUN_LENGTH_PIXELS = 2**24
"""Pillow unpacks run lengths in Python."""
_RUN_LENGTHS = (1, 2)
_WITH_ALPHA = 6
_MASKED = (3, _WITH_ALPHA)


def open_bmp(data: bytes) -> OpenedPicture:
    """Open a BMP.

    Raises:
        ImageError: it is cut off, damaged or too large.
    """
    header_bytes = int.from_bytes(data[14:18], "little")
    if len(data) < max(14 + header_bytes, 26):
        raise ImageError(CUT_OFF)
    if header_bytes >= 40:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        if compression in _MASKED and bits in (16, 32):
            return OpenedPicture(_unpacked(data, width, height, bits))
        if compression in _RUN_LENGTHS:
            check_size(width, abs(height), _MAX_RUN_LENGTH_PIXELS)
    return OpenedPicture(BmpImagePlugin.BmpImageFile(io.BytesIO(data)))


def _unpacked(data: bytes, width: int, height: int, bits: int) -> Image.Image:
    """Unpack pixels of 16 or 32 bits whose masks say where the colours are."""
    is_upside_down, height = height > 0, abs(height)
    if width <= 0 or height == 0:
        raise damaged("it has no pixels")
    check_size(width, height)
    offset, stride = int.from_bytes(data[10:14], "little"), (width * bits // 8 + 3) // 4 * 4
    if len(data) < max(offset + stride * height, 70):
        raise ImageError(CUT_OFF)
    rows = np.frombuffer(data, np.uint8, stride * height, offset).reshape(height, stride)
    packed = rows[:, : width * bits // 8].view(f"<u{bits // 8}")
    packed = packed[::-1] if is_upside_down else packed
    return Image.fromarray(np.dstack([_channel(packed, mask) for mask in _masks(data)]))


def _masks(data: bytes) -> list[int]:
    """Return the bits of red, green, blue and, if there is any, alpha."""
    header_bytes, compression = (
        struct.unpack_from("<I", data, 14),
        struct.unpack_from("<I", data, 30),
    )
    *colours, alpha = struct.unpack_from("<IIII", data, 54)
    if header_bytes[0] < 56 and compression[0] != _WITH_ALPHA:
        alpha = 0
    if not any(colours) and not alpha:  # as Windows has them
        return [0xFF0000, 0xFF00, 0xFF, 0xFF000000]
    return [*colours, alpha] if alpha else colours


def _channel(packed: NDArray[Any], mask: int) -> NDArray[np.uint8]:
    shift = (mask & -mask).bit_length() - 1
    most = mask >> max(shift, 0)
    if not mask or most & (most + 1):
        raise damaged("its colour masks are invalid")
    levels = (packed & mask) >> shift
    if most > 255:
        return (levels >> (most.bit_length() - 8)).astype(np.uint8)
    return np.round(levels * np.float32(255 / most)).astype(np.uint8)
