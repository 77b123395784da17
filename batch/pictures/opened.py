"""An open picture: its size is known, and its pixels are not decoded yet."""

from dataclasses import dataclass, field

from PIL import Image

from pmsgan.errors import ImageError

MAX_PIXELS = 89_478_485
"""Most pixels that are decoded: Pillow's own limit, 256 MiB of colour."""
MAX_REDUCED_PIXELS = 400_000_000
"""Most pixels of a JPEG that is decoded smaller."""

CUT_OFF = "is cut off"
EXIF_IGNORED = "its EXIF data is damaged and ignored"
PROFILE_IGNORED = "its colour profile cannot be used and is ignored"


@dataclass(slots=True)
class OpenedPicture:
    """An open picture."""

    image: Image.Image
    is_stack: bool = False
    """Whether more pictures follow the first."""
    max_stored_pixels: int = MAX_PIXELS
    """Size in the file at most; more than `MAX_PIXELS` where it can be decoded smaller."""
    notes: list[str] = field(default_factory=list)
    """Remarks for the user."""


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS, hint: str = "") -> None:
    """Raise ImageError for a picture of more pixels; the hint says what to do about it."""
    if width * height > max_pixels:
        raise ImageError(
            f"is too large: it has {width}x{height} pixels, and at most {max_pixels // 10**6} "
            f"million are decoded{hint and f': {hint}'}"
        )


def damaged(reason: object) -> ImageError:
    """Return the error of a picture that its decoder cannot make sense of."""
    return ImageError(f"is damaged: {reason}")
