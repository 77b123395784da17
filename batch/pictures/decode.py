"""From the bytes of a file to pixels, by one rule for each kind of picture.

Pillow decodes everything: it knows orientation, transparency, colour profiles and cut-off files in
all formats alike. What is read is hostile: the format is that of the content, and only these five
are tried; sizes are checked before anything is decoded.
"""

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from pmsgan.batch.pictures.metadata import Metadata, read_metadata
from pmsgan.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_PIXELS = 89_478_485
"""Pillow's own limit: 256 MiB of colour."""
_ORIENTATION = 0x0112

Pixels = NDArray[np.uint8]


@dataclass(slots=True)
class DecodedPicture:
    """A decoded picture."""

    pixels: Pixels
    """[h, w, 3] BGR, on white where it is transparent; upright."""
    alpha: Pixels | None
    """[h, w], 0 transparent .. 255 opaque; None where all is opaque."""
    full_size: tuple[int, int]
    """Height and width in the file; a large JPEG is decoded smaller."""
    profile: bytes | None
    """ICC profile that the pixels are still in; None is sRGB."""
    note: str | None
    """A remark for the user."""
    metadata: Metadata = field(default_factory=Metadata)
    """What the file carries besides."""


def decode(data: bytes, wanted: tuple[int, int] | None = None) -> DecodedPicture:
    """Decode a picture upright.

    Grey and palettes become colour. Transparency is kept beside the pixels, which are put on white.
    16-bit samples keep their high byte. CMYK and Lab become sRGB, by the embedded profile if there
    is one. Of animations and stacks the first frame counts, and that is noted.

    Args:
        data: a whole file.
        wanted: height and width [pixels] that suffice; a JPEG of at least twice the size may be
            decoded smaller, which saves most of the time.

    Raises:
        ImageError: it is no picture, or is cut off, damaged, too large or of an unknown kind.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _decode(image, wanted)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError("is not a picture in JPEG, PNG, WebP, BMP or TIFF") from error
    except Image.DecompressionBombError as error:
        raise ImageError(_TOO_MANY_PIXELS) from error
    except Exception as error:  # whatever a parser of hostile bytes comes up with
        if "runcated" in str(error):
            raise ImageError("is cut off") from error
        raise ImageError(f"is damaged: {str(error) or type(error).__name__}") from error


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep decoders from warning on stderr, and OpenCV from starting threads of its own.

    For the whole process, while readers and writers fill the cores.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
            yield
    finally:
        cv2.setNumThreads(before)


def to_srgb(pixels: Pixels, profile: bytes) -> bool:
    """Convert pixels uint8 [h, w, 3] BGR from an ICC profile to sRGB, in place.

    Returns:
        Whether the profile can be used; if not, the pixels are left as they are.
    """
    try:
        transform = _transform(profile, "RGB")
        if transform is not None:
            image = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
            pixels[:] = _bgr(_applied(transform, image))
    except _PROFILE_ERRORS:
        return False
    return True


_TOO_MANY_PIXELS = f"is too large: at most {MAX_PIXELS // 10**6} million pixels are decoded"
_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError)
PROFILE_IGNORED = "its colour profile cannot be used and is ignored"


def on_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Return colour uint8 [h, w, 3] with transparency uint8 [h, w] as it looks on white."""
    weight = alpha[:, :, None].astype(np.uint16)
    return ((pixels * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def _decode(image: Image.Image, wanted: tuple[int, int] | None) -> DecodedPicture:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(_TOO_MANY_PIXELS)
    notes = ["only its first frame is converted"] if getattr(image, "is_animated", False) else []
    stored_size, profile = image.size, image.info.get("icc_profile")
    if wanted is not None:
        image.draft(None, (2 * max(wanted), 2 * max(wanted)))
    image.load()
    # Only a JPEG is decoded smaller; a TIFF may have been turned by now.
    width, height = stored_size if image.format == "JPEG" else image.size
    metadata = read_metadata(image)
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # hostile as well
        turn, metadata = None, replace(metadata, exif=None)
        notes.append("its EXIF data is damaged and ignored")
    if turn is not None:
        image = image.transpose(turn)
        width, height = (height, width) if turn in _SIDEWAYS else (width, height)
    try:
        image, profile = _without_special_profile(image, profile)
    except _PROFILE_ERRORS:
        notes.append(PROFILE_IGNORED)
        profile = None
    pixels, alpha = _split(image)
    note = "; ".join(notes) or None
    return DecodedPicture(pixels, alpha, (height, width), profile, note, metadata)


_TURN = Image.Transpose
_TURNS = {
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_90,
}
_SIDEWAYS = (_TURN.TRANSPOSE, _TURN.ROTATE_270, _TURN.TRANSVERSE, _TURN.ROTATE_90)
_GREY = ("1", "L", "LA", "I;16", "I;16L", "I;16B", "I;16N")


def _without_special_profile(
    image: Image.Image, profile: bytes | None
) -> tuple[Image.Image, bytes | None]:
    """Apply a profile of grey or CMYK; one of RGB is left for when the picture is small."""
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
    both = np.asarray(image.convert("LA"))
    has_alpha = image.has_transparency_data
    alpha = np.ascontiguousarray(both[:, :, 1]) if has_alpha else None
    return np.ascontiguousarray(both[:, :, 0]), alpha


def _split(image: Image.Image) -> tuple[Pixels, Pixels | None]:
    """Return colour uint8 [h, w, 3] BGR on white, and transparency uint8 [h, w] or None."""
    if image.mode in ("I", "F"):
        raise ImageError("has 32-bit samples: convert it to 8 or 16 bits first")
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        transform = ImageCms.buildTransform(lab, ImageCms.createProfile("sRGB"), "LAB", "RGB")
        return _bgr(_applied(transform, image)), None
    if image.mode in _GREY:
        grey, alpha = _grey(image)
        pixels = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
    elif image.has_transparency_data:
        colour = np.asarray(image.convert("RGBA"))
        alpha = np.ascontiguousarray(colour[:, :, 3])
        pixels = colour[:, :, 2::-1]
    else:
        pixels, alpha = _bgr(image), None
    return (pixels, None) if alpha is None else (on_white(pixels, alpha), alpha)


def _bgr(image: Image.Image) -> Pixels:
    rgb = np.asarray(image.convert("RGB"))
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)


def _applied(transform: ImageCms.ImageCmsTransform | None, image: Image.Image) -> Image.Image:
    return image if transform is None else ImageCms.applyTransform(image, transform) or image


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB; None if it is sRGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    description = ImageCms.getProfileDescription(source)
    if mode == "RGB" and "sRGB" in description and "linear" not in description.lower():
        return None
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
