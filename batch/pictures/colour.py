"""Bring colours of all kinds to 8 bits of blue, green and red, and profiles to sRGB."""

import functools
import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pmsgan.batch.pictures.pillow_memory import view_rgb
from pmsgan.errors import ImageError

Pixels = NDArray[np.uint8]

PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError)
"""Errors that a broken colour profile raises."""
_GREY = ("1", "L", "LA", "I;16", "I;16L", "I;16B", "I;16N")


_STRIP_PIXELS = 1 << 20
"""How many pixels are converted at a time, so that a large picture is not held several times."""


def to_srgb(pixels: Pixels, profile: bytes) -> bool:
    """Convert pixels uint8 [h, w, 3] BGR from an ICC profile to sRGB, in place.

    Returns:
        Whether the profile can be used; if not, the pixels are left as they are.
    """
    try:
        transform = _transform(profile, "RGB")
        if transform is not None:
            num_rows = max(1, _STRIP_PIXELS // pixels.shape[1])
            for strip in (pixels[at : at + num_rows] for at in range(0, len(pixels), num_rows)):
                image = Image.fromarray(cv2.cvtColor(strip, cv2.COLOR_BGR2RGB))
                strip[:] = to_bgr(_applied(transform, image))
    except PROFILE_ERRORS:
        return False
    return True


def on_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Return colour uint8 [h, w, 3] with transparency uint8 [h, w] as it looks on white."""
    weight = alpha[:, :, None].astype(np.uint16)
    return ((pixels * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def without_special_profile(
    image: Image.Image, profile: bytes | None
) -> tuple[Image.Image, bytes | None]:
    """Apply a profile of grey or CMYK; one of RGB is applied later, when the picture is small."""
    if profile is None:
        return image, None
    if image.mode == "CMYK":
        return _applied(_transform(profile, "CMYK"), image), None
    space = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
    if image.mode not in _GREY or space != "GRAY":
        return image, profile
    pixels, alpha = _grey(image)
    colour = _applied(_transform(profile, "L"), Image.fromarray(pixels))
    if alpha is not None:
        colour.putalpha(Image.fromarray(alpha))
    return colour, None


def _grey(image: Image.Image) -> tuple[Pixels, Pixels | None]:
    """Return grey levels uint8 [h, w], and transparency uint8 [h, w] or None."""
    key = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint16)
        alpha = np.where(deep == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
        return (deep >> 8).astype(np.uint8), alpha
    if not image.has_transparency_data:
        return np.asarray(image if image.mode == "L" else image.convert("L")), None
    both = np.asarray(image.convert("LA"))
    return np.ascontiguousarray(both[:, :, 0]), np.ascontiguousarray(both[:, :, 1])


def split_alpha(image: Image.Image) -> tuple[Pixels, Pixels | None]:
    """Return colour uint8 [h, w, 3] BGR on white, and transparency uint8 [h, w] or None.

    Raises:
        ImageError: its samples are too deep.
    """
    if image.mode in ("I", "F"):
        raise ImageError("has 32-bit samples: convert it to 8 or 16 bits first")
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        transform = ImageCms.buildTransform(lab, ImageCms.createProfile("sRGB"), "LAB", "RGB")
        return to_bgr(_applied(transform, image)), None
    if image.mode in _GREY:
        grey, alpha = _grey(image)
        pixels = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
    elif image.has_transparency_data:
        colour = np.asarray(image.convert("RGBA"))
        alpha = np.ascontiguousarray(colour[:, :, 3])
        pixels = colour[:, :, 2::-1]
    else:
        pixels, alpha = to_bgr(image), None
    return (pixels, None) if alpha is None else (on_white(pixels, alpha), alpha)


def to_bgr(image: Image.Image) -> Pixels:
    """Return the colour uint8 [h, w, 3] BGR of an 8-bit image of any mode."""
    if image.mode != "RGB":
        image = image.convert("RGB")
    rgb, conversion = view_rgb(image), cv2.COLOR_RGBA2BGR
    if rgb is None:
        rgb, conversion = np.asarray(image), cv2.COLOR_RGB2BGR
    return cv2.cvtColor(rgb, conversion).astype(np.uint8, copy=False)


def _applied(transform: ImageCms.ImageCmsTransform | None, image: Image.Image) -> Image.Image:
    return image if transform is None else ImageCms.applyTransform(image, transform) or image


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile to sRGB; None if it is sRGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    description = ImageCms.getProfileDescription(source)
    if mode == "RGB" and "sRGB" in description and "linear" not in description.lower():
        return None
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
