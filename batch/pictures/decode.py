"""Decode the bytes of a file into pixels, by one rule for each kind of picture.

Files are hostile: their content decides the kind, only the kinds in `_OPENERS` are tried, and sizes
are checked before anything is decoded. Pillow decodes; the modules of the kinds first correct what
it would get wrong, or refuse for no reason.
"""

import contextlib
import ctypes
import functools
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
from PIL import Image, WebPImagePlugin, _imaging

from pmsgan.batch.pictures.bmp import open_bmp
from pmsgan.batch.pictures.boxes import open_avif, open_heic, open_jpeg_2000
from pmsgan.batch.pictures.colour import (
    PROFILE_ERRORS,
    Pixels,
    split_alpha,
    without_special_profile,
)
from pmsgan.batch.pictures.gif import open_gif
from pmsgan.batch.pictures.jpeg import open_jpeg
from pmsgan.batch.pictures.kinds import HEAD_BYTES, NOT_A_PICTURE, kind_of
from pmsgan.batch.pictures.metadata import Metadata, read_metadata
from pmsgan.batch.pictures.opened import (
    CUT_OFF,
    EXIF_IGNORED,
    PROFILE_IGNORED,
    OpenedPicture,
    check_size,
    damaged,
)
from pmsgan.batch.pictures.png import open_png
from pmsgan.batch.pictures.tiff import open_tiff
from pmsgan.errors import ImageError

_ORIENTATION = 0x0112


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
    """ICC profile that the pixels still have; None means sRGB."""
    note: str | None
    """A remark for the user."""
    metadata: Metadata = field(default_factory=Metadata)
    """EXIF and XMP of the file."""


def decode(data: bytes, wanted: tuple[int, int] | None = None, *, hint: str = "") -> DecodedPicture:
    """Decode a picture upright.

    Grey and palettes become colour. Transparency is kept beside the pixels, which are put on white.
    16-bit samples keep their high byte. CMYK and Lab become sRGB, by the embedded profile if there
    is one. Animations and stacks yield their first frame, and a note.

    Args:
        data: a whole file.
        wanted: height and width [pixels] that suffice; a JPEG of at least twice the size may be
            decoded smaller, which saves most of the time.
        hint: what to do about a JPEG that is too large to be decoded in its own size.

    Raises:
        ImageError: it is not a picture, or is cut off, damaged, too large or of an unknown kind.
    """
    with _opened(data) as (opened, kind):
        return _decode(opened, wanted, can_shrink=kind == "JPEG", hint=hint)


def count_pixels(data: bytes) -> int:
    """Return the number of pixels from the head of a file; nothing is decoded.

    Args:
        data: a whole file.

    Raises:
        ImageError: it is not a picture, or its head is damaged.
    """
    with _opened(data) as (opened, _):
        width, height = opened.image.size
        return width * height


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[tuple[OpenedPicture, str]]:
    """Open a picture, and return its kind, too; every failure becomes ImageError."""
    kind = kind_of(data[:HEAD_BYTES])
    if kind is None:
        raise ImageError(NOT_A_PICTURE)
    if kind not in _OPENERS:
        raise ImageError(f"is {kind}, which is not supported: convert it to PNG first")
    try:
        opened = _OPENERS[kind](data)
        with opened.image:
            yield opened, kind
    except ImageError:
        raise
    except Exception as error:  # parsers of hostile bytes raise anything
        if "runcated" in str(error):
            raise ImageError(CUT_OFF) from error
        raise damaged(str(error) or type(error).__name__) from error


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep decoders from warning on stderr, and OpenCV from starting threads of its own.

    This holds for the whole process, since readers and writers fill the cores.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with quiet_pillow():
            yield
    finally:
        cv2.setNumThreads(before)


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow and its libtiff from writing to stderr, in the whole process."""
    _silence_libtiff()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
        yield


@functools.cache
def _silence_libtiff() -> None:
    """Remove libtiff's error handler; Pillow raises an error for what fails.

    The handler writes to stderr itself, and so waits for a terminal that takes nothing.
    """
    with contextlib.suppress(AttributeError, OSError):  # libtiff may be missing, or hidden inside
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.restype = ctypes.c_void_p
        set_handler(None)


def _open_webp(data: bytes) -> OpenedPicture:
    if 8 + int.from_bytes(data[4:8], "little") > len(data):
        raise ImageError(CUT_OFF)
    image = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    return OpenedPicture(image, is_stack=getattr(image, "is_animated", False))


_OPENERS: dict[str, Callable[[bytes], OpenedPicture]] = {
    "JPEG": open_jpeg,
    "PNG": open_png,
    "WebP": _open_webp,
    "AVIF": open_avif,
    "GIF": open_gif,
    "JPEG 2000": open_jpeg_2000,
    "HEIC": open_heic,
    "BMP": open_bmp,
    "TIFF": open_tiff,
}


def _decode(
    opened: OpenedPicture, wanted: tuple[int, int] | None, *, can_shrink: bool, hint: str
) -> DecodedPicture:
    image, notes = opened.image, opened.notes
    if opened.is_stack:
        notes.append("only its first frame is converted")
    stored_size, profile = image.size, image.info.get("icc_profile")
    check_size(*stored_size, opened.max_stored_pixels)
    if wanted is not None and can_shrink:
        image.draft(None, (2 * max(wanted), 2 * max(wanted)))
    check_size(*image.size, hint=hint if can_shrink else "")
    image.load()
    # Only a JPEG is decoded smaller; a TIFF may have been turned by now.
    width, height = stored_size if can_shrink else image.size
    metadata = read_metadata(image)
    try:
        turn = _TURNS.get(_first_integer(image.getexif().get(_ORIENTATION, 1)))
    except Exception:  # hostile as well
        turn, metadata = None, replace(metadata, exif=None)
        notes.append(EXIF_IGNORED)
    if turn is not None:
        image = image.transpose(turn)
        width, height = (height, width) if turn in _SIDEWAYS else (width, height)
    try:
        image, profile = without_special_profile(image, profile)
    except PROFILE_ERRORS:
        notes.append(PROFILE_IGNORED)
        profile = None
    pixels, alpha = split_alpha(image)
    return DecodedPicture(
        pixels=pixels,
        alpha=alpha,
        full_size=(height, width),
        profile=profile,
        note="; ".join(dict.fromkeys(notes)) or None,
        metadata=metadata,
    )


def _first_integer(value: Any) -> int:
    """Return the number in a tag of any integer type, which may be bytes or several numbers."""
    if isinstance(value, tuple | bytes):
        value = value[0] if value else 1
    return int(value)


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
