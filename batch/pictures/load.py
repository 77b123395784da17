"""Make a picture ready for an engine."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pmsgan.batch.job import Job
from pmsgan.batch.pictures.check import check_translated
from pmsgan.batch.pictures.colour import Pixels, to_srgb
from pmsgan.batch.pictures.colouring import Colouring, choose_colouring
from pmsgan.batch.pictures.decode import DecodedPicture, decode, quiet_decoders
from pmsgan.batch.pictures.fit import Placement, crop_channel, fit_into_row, place, resized
from pmsgan.batch.pictures.guided import enlarge_guided
from pmsgan.batch.pictures.opened import MAX_PIXELS, PROFILE_IGNORED
from pmsgan.batch.pictures.tiles import Tiles
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError
from pmsgan.styles.scaling import Scaling

NUM_SAMPLES = 4
"""Pictures of a run that a new engine is checked on."""

SMALLER_SIZE = 1024
"""Long side of a result [pixels] for which a JPEG of any size is decoded smaller."""

PLAIN = Scaling()
"""The whole picture in the style's size, and a result that is enlarged without a guide."""


@dataclass(frozen=True, slots=True)
class GuideImage:
    """The picture in its result's size, which guides the enlargement of its translation."""

    grey: Pixels
    """Grey levels [h, w]."""
    radius: int
    epsilon: float
    """See `enlarge_guided`."""


@dataclass(slots=True)
class LoadedPicture:
    """A picture that is ready for the engine, with what is needed to make its result."""

    picture: DecodedPicture
    placement: Placement
    alpha: Pixels | None
    """[h, w] of the result, 0 transparent .. 255 opaque; None where all is opaque."""
    note: str | None
    """A remark for the user."""
    guide: GuideImage | None = None
    """None where the translation is enlarged without one."""
    tiles: Tiles | None = None
    """None where the network sees the picture in one view."""
    colouring: Colouring | None = None
    """None where the result keeps the colours that the network gave it."""

    @property
    def num_rows(self) -> int:
        """How many rows of an engine the picture takes."""
        return 1 if self.tiles is None else len(self.tiles)

    def fill(self, row: Pixels, number: int = 0) -> None:
        """Write the picture into an engine's row; the last row releases its memory.

        Args:
            row: uint8 [H, W, 3] BGR, written in place.
            number: of the row, from 0; each is asked for once, in order.

        Raises:
            ImageError: it cannot be brought to that size.
        """
        if self.tiles is not None:
            self.tiles.fill(number, row)
            return
        picture = self.picture
        with as_image_error():
            fit_into_row(picture.pixels, self.placement, row)
            self._bring_to_srgb(row)
        picture.pixels = np.empty((0, 0, 3), np.uint8)

    def cut(self, tile: tuple[int, int]) -> None:
        """Cut the picture into tiles of a height and width [pixels]."""
        canvas = np.empty((*self.placement.canvas, 3), np.uint8)
        fit_into_row(self.picture.pixels, self.placement, canvas)
        self.picture.pixels = np.empty((0, 0, 3), np.uint8)
        self._bring_to_srgb(canvas)
        self.tiles = Tiles(canvas, tile)

    def guide_result(self, scaling: Scaling) -> None:
        """Keep the picture, in sRGB, as the guide of its result."""
        pixels = self.picture.pixels
        self._bring_to_srgb(pixels)
        self.picture.profile = None
        grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        grey = crop_channel(grey, self.placement)
        self.guide = GuideImage(grey, scaling.radius, scaling.epsilon)

    def choose_colours(self, settings: ConvertSettings, name: str) -> None:
        """Choose the palette's colours for the parts of the result.

        Args:
            settings: they have the palette, if there is one.
            name: path of the picture below IN; empty where it has none.
        """
        self.colouring = choose_colouring(settings, name)

    def add(self, translated: Pixels, row: Pixels, number: int = 0) -> Pixels | None:
        """Take the translation of a row; return the result in its size with the last one.

        Args:
            translated: the engine's output uint8 [H, W, 3] BGR.
            row: its input, as `fill` has written it.
            number: of the row.

        Returns:
            uint8 [h, w, 3] BGR; None while rows are missing.

        Raises:
            ImageError: this translation, or an earlier one, is not a picture, or has a size that
                cannot be converted; it is raised with the last row.
        """
        canvas = self.join(translated, row, number)
        return None if canvas is None else self.finish(canvas, row)

    def join(self, translated: Pixels, row: Pixels, number: int = 0) -> Pixels | None:
        """Take the translation of a row; return that of the whole canvas with the last one.

        Args:
            translated: the engine's output uint8 [H, W, 3] BGR.
            row: its input, as `fill` has written it.
            number: of the row.

        Returns:
            uint8 [H, W, 3] BGR, not yet in the result's size and colours; None while rows are
            missing.

        Raises:
            ImageError: as `add` does.
        """
        if self.tiles is None:
            check_translated(translated, row)
            return translated
        if not self.tiles.add(number, translated, row):
            return None
        with as_image_error():
            return self.tiles.blended()

    def finish(self, canvas: Pixels, row: Pixels) -> Pixels:
        """Return the result of a whole translated canvas, in the colours that are chosen.

        Args:
            canvas: uint8 [H, W, 3] BGR, from `join`.
            row: the row that came last.

        Returns:
            uint8 [h, w, 3] BGR.

        Raises:
            ImageError: it has a size that cannot be converted.
        """
        with as_image_error():
            return self._coloured(canvas, row)

    def _coloured(self, translated: Pixels, row: Pixels) -> Pixels:
        translated, seen = (self.placement.region.of(canvas) for canvas in (translated, row))
        if self.colouring is not None:
            result = self.colouring.apply(
                translated, self.placement.output, lambda light: self._enlarged(light, seen)
            )
            if result is not None:
                return result
            self.add_note(
                "its translation contains none of the style's colours: no palette applied"
            )
        return self._enlarged(translated, seen)

    def _enlarged(self, image: Pixels, seen: Pixels) -> Pixels:
        """Bring a translation [h, w, 3], or its light [h, w], to the size of the result."""
        guide = self.guide
        if guide is None:
            return resized(image, self.placement.output)
        return enlarge_guided(image, seen, guide.grey, radius=guide.radius, epsilon=guide.epsilon)

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
        style_size: height and width of one view of the network [pixels].
        settings: how it is brought to that size.
        scaling: how its result is enlarged.

    Raises:
        ImageError: it cannot be decoded.
    """
    wanted = _decode_size(style_size, settings, scaling)
    picture = decode(data, wanted, hint=_smaller_size_hint(settings, scaling))
    return prepare(picture, style_size, settings, scaling)


def prepare(
    picture: DecodedPicture,
    style_size: tuple[int, int],
    settings: ConvertSettings,
    scaling: Scaling,
) -> LoadedPicture:
    """Make a decoded picture ready for the engine; its pixels may change.

    Args:
        picture: the decoded picture, which this takes over.
        style_size: height and width of one view of the network [pixels].
        settings: how it is brought to that size.
        scaling: how its result gets its size.

    Raises:
        ImageError: it cannot be brought to that size.
    """
    placement = place(picture.full_size, style_size, settings.fit, settings.output_size, scaling)
    # A JPEG may be larger than its decoded pixels; an array may have any size.
    max_pixels = max(MAX_PIXELS, picture.pixels.shape[0] * picture.pixels.shape[1])
    (height, width), canvas = placement.output, placement.canvas
    if height * width > max_pixels:
        raise ImageError(
            f"is too large for a result of {width}x{height}, since results have at most "
            f"{MAX_PIXELS // 10**6} million pixels: try --output-size style"
        )
    if canvas[0] * canvas[1] > max_pixels:
        raise ImageError(
            f"is too large for the network at {canvas[1]}x{canvas[0]}, which takes at most "
            f"{MAX_PIXELS // 10**6} million pixels: try --working-size {SMALLER_SIZE}"
        )
    loaded = LoadedPicture(picture, placement, None, picture.note)
    with as_image_error():
        if picture.alpha is not None:
            loaded.alpha = crop_channel(picture.alpha, placement)
            picture.alpha = None
        if scaling.mode == "guided" and placement.can_be_guided(scaling.radius):
            loaded.guide_result(scaling)
        if placement.canvas != style_size:
            loaded.cut(style_size)
    return loaded


def _decode_size(
    style_size: tuple[int, int], settings: ConvertSettings, scaling: Scaling
) -> tuple[int, int] | None:
    """Return the size at which to decode a picture, see `decode`; None means its own size."""
    if settings.fit == "crop":  # how large the whole has to be is not known before
        return None
    long_side = 0
    if scaling.mode == "tiles":
        if scaling.working_size == 0:
            return None
        long_side = scaling.working_size
    elif scaling.mode == "guided" and settings.output_size != "style":
        if settings.output_size == "source":
            return None
        long_side = settings.output_size
    return max(style_size[0], long_side), max(style_size[1], long_side)


def _smaller_size_hint(settings: ConvertSettings, scaling: Scaling) -> str:
    """Return the options with which a JPEG need not be decoded in its own size."""
    options = [f"--output-size {SMALLER_SIZE}"]
    if settings.fit == "crop":
        options.insert(0, "--fit pad")
    if scaling.mode == "tiles" and scaling.working_size == 0:
        options.insert(0, f"--working-size {SMALLER_SIZE}")
    return f"try {' '.join(options)}"


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
        style_size: height and width of one view of the network [pixels].
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
            with suppress(ImageError):  # the run reports it when the picture's turn comes
                load(read(job.source)[0], style_size, settings).fill(row)
                readable.append(job)
                rows.append(row)
    return readable, np.stack(rows) if rows else None


class _ImageErrors:
    """The context that `as_image_error` returns; a generator would take four times as long."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise ImageError instead of an error that an unforeseen size causes."""
        if isinstance(error, cv2.error | MemoryError | ValueError):
            raise ImageError(f"has a size or a shape that cannot be converted: {error}") from error


_IMAGE_ERRORS = _ImageErrors()


def as_image_error() -> _ImageErrors:
    """Turn errors that unforeseen sizes cause into an error of this picture."""
    return _IMAGE_ERRORS
