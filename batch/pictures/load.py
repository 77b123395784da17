"""Make a picture ready for an engine."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pmsgan.batch.job import Job
from pmsgan.batch.pictures.colour import Pixels, to_srgb
from pmsgan.batch.pictures.decode import DecodedPicture, decode, quiet_decoders
from pmsgan.batch.pictures.fit import Placement, crop_channel, crop_result, fit_into_row, place
from pmsgan.batch.pictures.guided import enlarge_guided
from pmsgan.batch.pictures.opened import MAX_PIXELS, PROFILE_IGNORED
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError
from pmsgan.styles.scaling import Scaling

NUM_SAMPLES = 4
"""Pictures of a run that a new engine is checked on."""

PLAIN = Scaling()
"""The whole picture in the style's size, and a result that is enlarged without a guide."""


@dataclass(frozen=True, slots=True)
class Guide:
    """The picture in its result's size, which guides the enlargement of its translation."""

    grey: Pixels
    """Grey levels [h, w]."""
    radius: int
    epsilon: float
    """See `enlarge_guided`."""


@dataclass(slots=True)
class LoadedPicture:
    """A picture that is ready for the engine, and what its result needs to know of it."""

    picture: DecodedPicture
    placement: Placement
    alpha: Pixels | None
    """[h, w] of the result, 0 transparent .. 255 opaque; None where all is opaque."""
    note: str | None
    """A remark for the user."""
    guide: Guide | None = None
    """None where the translation is enlarged without one."""

    def fill(self, row: Pixels) -> None:
        """Write the picture into an engine's row uint8 [H, W, 3] BGR, and let go of it.

        Raises:
            ImageError: it cannot be brought to that size.
        """
        picture = self.picture
        with as_image_error():
            fit_into_row(picture.pixels, self.placement, row)
            self._bring_to_srgb(row)
        picture.pixels = np.empty((0, 0, 3), np.uint8)

    def guide_result(self, scaling: Scaling) -> None:
        """Keep the picture as the guide of its result; what the guide is in is sRGB, too."""
        pixels = self.picture.pixels
        self._bring_to_srgb(pixels)
        self.picture.profile = None
        grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        grey = crop_channel(grey, self.placement)
        self.guide = Guide(grey, scaling.radius, scaling.epsilon)

    def result(self, translated: Pixels, row: Pixels) -> Pixels:
        """Return the picture's translation in the size of its result.

        Args:
            translated: the engine's output uint8 [H, W, 3] BGR.
            row: its input, as `fill` has written it.

        Returns:
            uint8 [h, w, 3] BGR.

        Raises:
            ImageError: it cannot be brought to that size.
        """
        region, guide = self.placement.region, self.guide
        with as_image_error():
            if guide is None:
                return crop_result(translated, self.placement)
            return enlarge_guided(
                region.of(translated),
                region.of(row),
                guide.grey,
                radius=guide.radius,
                epsilon=guide.epsilon,
            )

    def add_note(self, text: str) -> None:
        """Add a remark for the user, once."""
        if self.note is None or text not in self.note:
            self.note = "; ".join(filter(None, (self.note, text)))

    def _bring_to_srgb(self, pixels: Pixels) -> None:
        profile = self.picture.profile
        if profile is not None and not to_srgb(pixels, profile):
            self.add_note(PROFILE_IGNORED)


def load(
    data: bytes,
    style_size: tuple[int, int],
    settings: ConvertSettings,
    scaling: Scaling = PLAIN,
) -> LoadedPicture:
    """Decode a picture.

    Args:
        data: a whole file.
        style_size: height and width of the style's pictures [pixels].
        settings: how it is brought to that size.
        scaling: how its result gets its size.

    Raises:
        ImageError: it cannot be decoded.
    """
    picture = decode(data, _size_that_suffices(style_size, settings, scaling))
    loaded = prepare(picture, style_size, settings, scaling)
    height, width = loaded.placement.output
    if height * width > MAX_PIXELS:  # a JPEG may be larger than what is decoded of it
        raise ImageError(
            f"is too large for a result of its size, {width}x{height}, where at most "
            f"{MAX_PIXELS // 10**6} million pixels are written: try --output-size style"
        )
    return loaded


def prepare(
    picture: DecodedPicture,
    style_size: tuple[int, int],
    settings: ConvertSettings,
    scaling: Scaling,
) -> LoadedPicture:
    """Make a decoded picture ready for the engine; its pixels may change.

    Args:
        picture: it is taken over.
        style_size: height and width of the style's pictures [pixels].
        settings: how it is brought to that size.
        scaling: how its result gets its size.

    Raises:
        ImageError: it cannot be brought to that size.
    """
    placement = place(picture.full_size, style_size, settings.fit, settings.output_size)
    loaded = LoadedPicture(picture, placement, None, picture.note)
    with as_image_error():
        if picture.alpha is not None:
            loaded.alpha = crop_channel(picture.alpha, placement)
            picture.alpha = None
        if scaling.mode == "guided" and placement.can_be_guided(scaling.radius):
            loaded.guide_result(scaling)
    return loaded


def _size_that_suffices(
    style_size: tuple[int, int], settings: ConvertSettings, scaling: Scaling
) -> tuple[int, int] | None:
    """Return how large a picture has to be decoded, see `decode`; None is its own size."""
    if settings.fit == "crop":  # how large the whole has to be is not known before
        return None
    if scaling.mode == "plain" or settings.output_size == "style":
        return style_size
    if settings.output_size == "source":
        return None
    return max(style_size[0], settings.output_size), max(style_size[1], settings.output_size)


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
    settings = replace(settings, output_size="style")  # there are no results
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
