"""Make a picture ready for an engine."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import cv2
import numpy as np

from pmsgan.batch.job import Job
from pmsgan.batch.pictures.colour import Pixels, to_srgb
from pmsgan.batch.pictures.decode import DecodedPicture, decode, quiet_decoders
from pmsgan.batch.pictures.fit import Placement, crop_alpha, fit_into_row, place
from pmsgan.batch.pictures.opened import MAX_PIXELS, PROFILE_IGNORED
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError

NUM_SAMPLES = 4
"""Pictures of a run that a new engine is checked on."""


@dataclass(slots=True)
class LoadedPicture:
    """A picture that is ready for the engine, and what its result needs to know of it."""

    picture: DecodedPicture
    placement: Placement
    alpha: Pixels | None
    """[h, w] of the result, 0 transparent .. 255 opaque; None where all is opaque."""
    note: str | None
    """A remark for the user."""

    def fill(self, row: Pixels) -> None:
        """Write the picture into an engine's row uint8 [H, W, 3] BGR, and let go of it.

        Raises:
            ImageError: it cannot be brought to that size.
        """
        picture = self.picture
        with as_image_error():
            fit_into_row(picture.pixels, self.placement, row)
            if picture.profile is not None and not to_srgb(row, picture.profile):
                self.add_note(PROFILE_IGNORED)
        picture.pixels = np.empty((0, 0, 3), np.uint8)

    def add_note(self, text: str) -> None:
        """Add a remark for the user, once."""
        if self.note is None or text not in self.note:
            self.note = "; ".join(filter(None, (self.note, text)))


def load(data: bytes, style_size: tuple[int, int], settings: ConvertSettings) -> LoadedPicture:
    """Decode a picture.

    Args:
        data: a whole file.
        style_size: height and width of the style's pictures [pixels].
        settings: how it is brought to that size.

    Raises:
        ImageError: it cannot be decoded.
    """
    # How large a crop has to be is not known before.
    picture = decode(data, wanted=None if settings.fit == "crop" else style_size)
    placement = place(picture.full_size, style_size, settings.fit, settings.output_size)
    height, width = placement.output
    if height * width > MAX_PIXELS:  # a JPEG may be larger than what is decoded of it
        raise ImageError(
            f"is too large for a result of its size, {width}x{height}, where at most "
            f"{MAX_PIXELS // 10**6} million pixels are written: try --output-size style"
        )
    alpha = picture.alpha
    if alpha is not None:
        with as_image_error():
            alpha = crop_alpha(alpha, placement)
        picture.alpha = None
    return LoadedPicture(picture, placement, alpha, picture.note)


def load_whole(data: bytes) -> Pixels:
    """Decode a picture in its own size, by the rule of `load`.

    Args:
        data: a whole file.

    Returns:
        uint8 [H, W, 3] BGR: upright, sRGB, on white where it is transparent.

    Raises:
        ImageError: it cannot be decoded.
    """
    picture = decode(data)
    if picture.profile is not None:
        with as_image_error():
            to_srgb(picture.pixels, picture.profile)
    return picture.pixels


def load_pictures(
    jobs: Iterable[Job],
    read: Callable[[str], tuple[bytes, object]],
    style_size: tuple[int, int],
    settings: ConvertSettings,
) -> tuple[list[Job], Pixels | None]:
    """Load some pictures in the style's size.

    Args:
        jobs: whose pictures to load.
        read: reads a picture, see `Folder.read`.
        style_size: height and width of the style's pictures [pixels].
        settings: how they are brought to that size.

    Returns:
        The jobs whose picture can be read, and their pictures uint8 [N, H, W, 3] BGR; None if
        there are none.
    """
    readable: list[Job] = []
    rows: list[Pixels] = []
    with quiet_decoders():
        for job in jobs:
            row = np.empty((*style_size, 3), np.uint8)
            with suppress(ImageError):  # the run tells it when the picture's turn comes
                load(read(job.source)[0], style_size, settings).fill(row)
                readable.append(job)
                rows.append(row)
    return readable, np.stack(rows) if rows else None


@contextmanager
def as_image_error() -> Iterator[None]:
    """Turn the errors that unforeseen sizes lead to into an error of this picture."""
    try:
        yield
    except (cv2.error, MemoryError, ValueError) as error:
        raise ImageError(f"has a size or a shape that cannot be converted: {error}") from error


def check_translated(translated: Pixels, original: Pixels) -> None:
    """Refuse a translation of one colour, which is what NaN comes out as.

    Args:
        translated: uint8 [H, W, 3].
        original: the engine's input uint8 [H, W, 3]; if it has one colour, its result may, too.

    Raises:
        ImageError: it is.
    """
    if _is_flat(translated) and not _is_flat(original):
        raise ImageError("its translation has one colour only: try --precision fp32")


def _is_flat(image: Pixels) -> bool:
    # Most pictures are told apart by a few pixels.
    return all(bool((part == image[0, 0]).all()) for part in (image[::64, ::64], image))
