"""Look at the pixels of a Pillow image where they are.

NumPy's way takes two copies, and all other threads wait for both. Pillow lends its memory by
Arrow's C data interface: https://arrow.apache.org/docs/format/CDataInterface.html.
"""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BANDS = 4
"""Bytes of a pixel in Pillow's memory; of RGB the last is padding."""


class _ArrowArray(ctypes.Structure):
    """`struct ArrowArray`."""


_ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_pointer_in = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_in.restype = ctypes.c_void_p
_pointer_in.argtypes = [ctypes.py_object, ctypes.c_char_p]


class _BorrowedMemory:
    """Memory that Pillow keeps as long as the capsule lives."""

    def __init__(self, address: int, shape: tuple[int, ...], capsule: object) -> None:
        self.capsule = capsule
        self.__array_interface__: dict[str, Any] = {
            "version": 3, "typestr": "|u1", "shape": shape, "data": (address, True),
        }  # fmt: skip


def view_rgb(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the pixels of an image of the mode RGB, without a copy.

    Returns:
        uint8 [h, w, 4] RGB and padding, read-only; it may outlive the image. None if the image is
        so large that Pillow keeps it in several pieces.
    """
    try:
        _, capsule = image.__arrow_c_array__()
    except ValueError:
        return None
    pixels = _ArrowArray.from_address(_pointer_in(capsule, b"arrow_array"))
    if pixels.n_children != 1:
        return None
    samples, (width, height) = pixels.children[0].contents, image.size
    if (samples.n_buffers, samples.offset, samples.length) != (2, 0, height * width * _BANDS):
        return None
    return np.asarray(_BorrowedMemory(samples.buffers[1], (height, width, _BANDS), capsule))
