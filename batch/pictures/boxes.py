"""Open the kinds that are made of boxes: AVIF, HEIC and JPEG 2000."""

import io
from collections.abc import Iterator

from PIL import AvifImagePlugin, Image, Jpeg2KImagePlugin

from pmsgan.batch.pictures.opened import CUT_OFF, OpenedPicture, damaged
from pmsgan.errors import ImageError
from pmsgan.formats import HEIF_HINT

_MAX_BOXES = 10_000
_CODESTREAM = b"\xff\x4f\xff\x51"
_COLOUR_SPACES = (12, 16, 17, 18)
"""Colour spaces of JPEG 2000: CMYK, sRGB, grey, YCbCr."""


def open_avif(data: bytes) -> OpenedPicture:
    """Open an AVIF; raise ImageError if that cannot be done."""
    list(_boxes(data))
    if not AvifImagePlugin.SUPPORTED:
        raise ImageError(
            "is an AVIF file, which this version of Pillow cannot read: pip install -U pillow"
        )
    return _opened(AvifImagePlugin.AvifImageFile(io.BytesIO(data)))


def open_heic(data: bytes) -> OpenedPicture:
    """Open a HEIC or HEIF; raise ImageError if that cannot be done."""
    list(_boxes(data))
    try:
        from pillow_heif import HeifImageFile  # the extra `heif`
    except ImportError as error:
        raise ImageError(f"is a HEIC file, which needs a library: {HEIF_HINT}") from error
    return _opened(HeifImageFile(io.BytesIO(data)))


def open_jpeg_2000(data: bytes) -> OpenedPicture:
    """Open a JPEG 2000; raise ImageError if that cannot be done."""
    profile = None
    if data.startswith(_CODESTREAM):
        if b"\xff\xd9" not in data[-64:]:
            raise ImageError(CUT_OFF)
    else:
        headers = [content for name, content in _boxes(data) if name == b"jp2h"]
        colours = [body for header in headers[:1] for n, body in _boxes(header) if n == b"colr"]
        profile = _profile(colours[0]) if colours else None
    picture = _opened(Jpeg2KImagePlugin.Jpeg2KImageFile(io.BytesIO(data)))
    if profile is not None:
        picture.image.info["icc_profile"] = profile
    return picture


def _opened(image: Image.Image) -> OpenedPicture:
    return OpenedPicture(image, is_stack=getattr(image, "is_animated", False))


def _profile(colour: memoryview) -> bytes | None:
    """Return the ICC profile of a colr box; None if it names its colour space."""
    if bytes(colour[:1]) == b"\2":
        return bytes(colour[3:])
    space = int.from_bytes(colour[3:7], "big")
    if bytes(colour[:1]) == b"\1" and space not in _COLOUR_SPACES:
        raise ImageError(f"has an unsupported JPEG 2000 colour space, number {space}")
    return None


def _boxes(data: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield name and content of each box.

    Raises:
        ImageError: the last one is cut off, or there are too many.
    """
    view = memoryview(data)
    at = 0
    for _ in range(_MAX_BOXES):
        if at + 8 > len(view):
            return
        size, name, header = int.from_bytes(view[at : at + 4], "big"), view[at + 4 : at + 8], 8
        if size == 1:
            size, header = int.from_bytes(view[at + 8 : at + 16], "big"), 16
        if size == 0:  # to the end of the file
            size = len(view) - at
        if size < header:
            return  # its decoder's error is more precise
        if at + size > len(view):
            raise ImageError(CUT_OFF)
        yield bytes(name), view[at + header : at + size]
        at += size
    raise damaged("it has too many boxes")
