"""Open a TIFF: Pillow reads the kinds that it reads correctly; others are read here or refused."""

import io

import numpy as np
from PIL import Image, TiffImagePlugin

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.opened import CUT_OFF, OpenedPicture, damaged
from pmsgan.batch.pictures.tiff_chunks import read_samples
from pmsgan.batch.pictures.tiff_layout import (
    CMYK,
    NUM_COLOURS,
    PALETTE,
    WHITE_IS_ZERO,
    Layout,
    read_layout,
)
from pmsgan.batch.pictures.tiff_tags import Tags, read_tags
from pmsgan.errors import ImageError

_ORIENTATION, _XMP, _PROFILE = 274, 700, 34675
_OFFSETS, _COUNTS = (273, 324), (279, 325)


def open_tiff(data: bytes) -> OpenedPicture:
    """Open a TIFF.

    Raises:
        ImageError: it is cut off, damaged, too large or of a kind that is not read.
    """
    tags = read_tags(data)
    layout = read_layout(tags)
    if not layout.is_left_to_pillow:
        image = _image(read_samples(layout, tags), layout)
        for name, tag in (("icc_profile", _PROFILE), ("xmp", _XMP)):
            if content := tags.content(tag):
                image.info[name] = content
        image.getexif()[_ORIENTATION] = tags.number(_ORIENTATION, 1)
        return OpenedPicture(image, tags.is_stack)
    try:
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
        image.load()
    except Exception as error:
        if _ends_early(tags):
            raise ImageError(CUT_OFF) from error
        raise damaged(error) from error
    return OpenedPicture(image, tags.is_stack)


def _ends_early(tags: Tags) -> bool:
    """Say whether strips or tiles lie behind the end of the file."""
    offsets, counts = (
        next((found for tag in pair if (found := tags.numbers(tag))), ())
        for pair in (_OFFSETS, _COUNTS)
    )
    ends = (offset + count for offset, count in zip(offsets, counts, strict=False))
    return max(ends, default=0) > len(tags.data)


def _image(samples: Pixels, layout: Layout) -> Image.Image:
    """Return samples uint8 [h, w, n] as an image with colours that Pillow knows."""
    number = NUM_COLOURS[layout.photometric]
    colours = samples[:, :, :number]
    alpha = None if layout.alpha is None else samples[:, :, layout.alpha]
    if layout.photometric == WHITE_IS_ZERO:
        colours = 255 - colours
    elif layout.photometric == PALETTE:
        table = np.array(layout.palette).reshape(3, -1).T
        colours = (table >> (8 if table.max() > 255 else 0)).astype(np.uint8)[colours[:, :, 0]]
    if alpha is not None and layout.is_associated:
        # Colours were multiplied by transparency.
        opaque = np.maximum(alpha, 1)[:, :, None].astype(np.uint32)
        colours = np.minimum((colours * np.uint32(255) + opaque // 2) // opaque, 255)
    if alpha is not None:
        colours = np.dstack([colours, alpha])
    colours = np.ascontiguousarray(colours, dtype=np.uint8)
    if layout.photometric == CMYK:
        return Image.fromarray(colours, mode="CMYK")
    return Image.fromarray(colours[:, :, 0] if colours.shape[2] == 1 else colours)
