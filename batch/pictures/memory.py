"""Load pictures from memory, arrays and PIL images, by the same rules as files."""

import io

import cv2
import numpy as np
from PIL import Image, ImageOps

from pmsgan.batch.pictures.colour import Pixels, on_white, to_bgr
from pmsgan.batch.pictures.decode import DecodedPicture
from pmsgan.batch.pictures.load import LoadedPicture, as_image_error, load, prepare
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError, ImageError
from pmsgan.styles.scaling import Scaling

ARRAYS = "uint8 [H, W], [H, W, 3] or [H, W, 4] (grey, BGR or BGRA, as OpenCV has them)"
"""Description of the arrays that are accepted."""

_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_GREY = ("1", "L", "LA", *_DEEP)
_ORIENTATION = 0x0112


def load_array(
    array: Pixels, style_size: tuple[int, int], settings: ConvertSettings, scaling: Scaling
) -> LoadedPicture:
    """Make an array ready for the engine.

    Args:
        array: uint8 [h, w] grey, [h, w, 3] BGR, or [h, w, 4] BGRA, which the network sees on white.
        style_size: height and width of one view of the network [pixels].
        settings: how it is brought to that size.
        scaling: how its result gets its size.

    Raises:
        ConfigError: it has another type or shape.
        ImageError: it has no pixels, or cannot be brought to that size.
    """
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not is_picture:
        raise ConfigError(f"an array is {array.dtype} {list(array.shape)}: it must be {ARRAYS}")
    if array.size == 0:
        raise ImageError("has no pixels")
    pixels, alpha = np.ascontiguousarray(array), None
    if array.ndim == 2:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)
    elif array.shape[2] == 4:
        alpha = np.ascontiguousarray(array[:, :, 3])
        pixels = on_white(array[:, :, :3], alpha)
    return _prepared(pixels, alpha, None, style_size, settings, scaling)


def load_image(
    image: Image.Image, style_size: tuple[int, int], settings: ConvertSettings, scaling: Scaling
) -> LoadedPicture:
    """Make a PIL image of any mode ready for the engine.

    Args:
        image: it is not changed; its orientation and its colour profile are applied.
        style_size: height and width of one view of the network [pixels].
        settings: how it is brought to that size.
        scaling: how its result gets its size.

    Raises:
        ImageError: its file cannot be decoded, or it has no pixels or 32-bit samples.
    """
    if 0 in image.size:
        raise ImageError("has no pixels")
    try:
        return _load_image(image, style_size, settings, scaling)
    except ImageError:
        raise
    except Exception as error:  # an image that is not loaded yet reads its file now
        raise ImageError(f"cannot be read: {str(error) or type(error).__name__}") from error


def with_transparency(result: Pixels, loaded: LoadedPicture) -> Pixels:
    """Return the result for a picture that was in memory.

    Args:
        result: uint8 [h, w, 3] BGR, from `loaded`.
        loaded: the picture.

    Returns:
        uint8 [h, w, 3] BGR, or [h, w, 4] BGRA of a picture with transparency.

    Raises:
        ImageError: there is too little memory for its size.
    """
    with as_image_error():
        return result if loaded.alpha is None else np.dstack([result, loaded.alpha])


def to_image(pixels: Pixels) -> Image.Image:
    """Return an array uint8 [h, w, 3] BGR or [h, w, 4] BGRA as a PIL image, RGB or RGBA."""
    has_alpha = pixels.shape[2] == 4
    swapped = cv2.COLOR_BGRA2RGBA if has_alpha else cv2.COLOR_BGR2RGB
    return Image.fromarray(np.asarray(cv2.cvtColor(pixels, swapped), np.uint8))


def _load_image(
    image: Image.Image, style_size: tuple[int, int], settings: ConvertSettings, scaling: Scaling
) -> LoadedPicture:
    profile = image.info.get("icc_profile")
    if image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode == "La":  # Pillow converts it to LA alone
        image = image.convert("LA")
    if image.mode in (*_DEEP, "CMYK", "LAB") or (profile is not None and image.mode in _GREY):
        return load(
            _as_file(image, profile), style_size, settings, scaling
        )  # decoding has their rules
    if not image.has_transparency_data:
        return _prepared(to_bgr(image), None, profile, style_size, settings, scaling)
    alpha = np.array(image.convert("RGBA").getchannel("A"))
    colour = to_bgr(image.convert("RGBA").convert("RGB"))
    return _prepared(on_white(colour, alpha), alpha, profile, style_size, settings, scaling)


def _as_file(image: Image.Image, profile: bytes | None) -> bytes:
    file = io.BytesIO()
    # The copy leaves tags of the file behind that the image comes from.
    if "transparency" in image.info:  # a grey level that is transparent, which a TIFF has none of
        image.copy().save(file, "PNG", compress_level=1, icc_profile=profile)
    else:
        image.copy().save(file, "TIFF", compression="raw", icc_profile=profile)
    return file.getvalue()


def _prepared(
    pixels: Pixels,
    alpha: Pixels | None,
    profile: bytes | None,
    style_size: tuple[int, int],
    settings: ConvertSettings,
    scaling: Scaling,
) -> LoadedPicture:
    """Do what `load` does after decoding.

    Args:
        pixels: uint8 [h, w, 3] BGR, on white where it is transparent.
        alpha: uint8 [h, w]; None where all is opaque.
        profile: ICC profile that the pixels are still in.
        style_size: height and width of one view of the network [pixels].
        settings: how it is brought to that size.
        scaling: how its result gets its size.
    """
    height, width = pixels.shape[:2]
    picture = DecodedPicture(pixels, alpha, (height, width), profile, None)
    return prepare(picture, style_size, settings, scaling)
