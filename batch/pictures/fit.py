"""Bring a picture to the style's size, and its translation to the size of the result."""

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.settings import Fit, OutputSize
from pmsgan.resize import resize_into
from pmsgan.styles.scaling import Scaling


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle [pixels]."""

    top: int
    left: int
    height: int
    width: int

    def of(self, image: Pixels) -> Pixels:
        """Return a view of this part of an image."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True, slots=True)
class Placement:
    """Which part of a picture lies where on the canvas, and the size of the result.

    The canvas is the image that the network sees: one view or, for a style that works in tiles, a
    picture that is at least as large.
    """

    crop: Box | None
    """Part of the picture in its full size [pixels]; None means all of it."""
    canvas: tuple[int, int]
    """Height and width of the canvas [pixels]."""
    region: Box
    """Part of the canvas that it fills [pixels]."""
    output: tuple[int, int]
    """Height and width of the result [pixels]."""

    def can_be_guided(self, radius: int) -> bool:
        """Say whether a guided filter with windows of a radius [pixels] can enlarge the result."""
        region, (height, width) = self.region, self.output
        is_enlarged = (height, width) != (region.height, region.width)
        is_wide_enough = min(region.height, region.width) > 2 * radius
        return is_enlarged and is_wide_enough and height >= region.height and width >= region.width


@functools.lru_cache(maxsize=256)  # folders have many pictures of one size
def place(
    source: tuple[int, int],
    view: tuple[int, int],
    fit: Fit,
    output_size: OutputSize,
    scaling: Scaling | None = None,
) -> Placement:
    """Return which part of a picture goes where.

    Args:
        source: height and width of the picture [pixels].
        view: height and width of one view of the network [pixels].
        fit: stretch changes the proportions; pad keeps them, fills the rest from the picture's
            edge, and cuts it off again afterwards; crop keeps the middle.
        output_size: whether the result has the size of the part of the source that was translated,
            the size in which the network sees that part, or a long side [pixels].
        scaling: with tiles, the canvas has the size at which the network sees the picture; without
            tiles, and by default, it is one view.
    """
    crop, part = None, source
    if fit == "crop":
        crop = _middle(source, _within(view, source))
        part = crop.height, crop.width
    shape = view if fit == "stretch" else part
    if scaling is None or scaling.mode != "tiles":
        seen = view if fit == "crop" else _rounded(_within(shape, view))
        canvas = view
    else:
        seen = _with_long_side(shape, scaling.long_side(max(part)))
        canvas = max(seen[0], view[0]), max(seen[1], view[1])
    region = _middle(canvas, seen)
    if output_size == "style":
        output = region.height, region.width
    elif output_size == "source":
        output = part
    else:
        output = _with_long_side(part, output_size)
    return Placement(crop, canvas, region, output)


def fit_into_row(image: Pixels, placement: Placement, row: Pixels) -> None:
    """Write a picture onto the canvas.

    Args:
        image: uint8 [h, w, 3]; if nothing is cropped, it may have been decoded smaller.
        placement: for its full size.
        row: the canvas uint8 [H, W, 3], such as a row of a slot; written in place.
    """
    part = image if placement.crop is None else placement.crop.of(image)
    box = placement.region
    if box.height == row.shape[0] and box.width == row.shape[1]:
        resize_into(part, row)
        return
    inner = np.empty((box.height, box.width, 3), np.uint8)
    resize_into(part, inner)
    bottom, right = row.shape[0] - box.top - box.height, row.shape[1] - box.left - box.width
    cv2.copyMakeBorder(inner, box.top, bottom, box.left, right, cv2.BORDER_REPLICATE, dst=row)


def crop_result(translated: Pixels, placement: Placement) -> Pixels:
    """Cut the result out of a translated canvas uint8 [H, W, 3], in its output size."""
    return resized(placement.region.of(translated), placement.output)


def crop_channel(channel: Pixels, placement: Placement) -> Pixels:
    """Return transparency or grey levels uint8 [h, w] of a picture in the size of its result."""
    part = channel if placement.crop is None else placement.crop.of(channel).copy()
    return resized(part, placement.output)


def resized(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Return a picture uint8 [h, w, 3] or [h, w] in another height and width [pixels]."""
    if image.shape[:2] == size:
        return image
    result = np.empty((*size, *image.shape[2:]), np.uint8)
    resize_into(image, result)
    return result


def _with_long_side(shape: tuple[int, int], long_side: int) -> tuple[int, int]:
    return _rounded(_within(shape, (long_side, long_side)))


def _within(shape: tuple[int, int], outer: tuple[int, int]) -> tuple[float, float]:
    """Return the largest size of a shape in another size."""
    scale = min(outer[0] / shape[0], outer[1] / shape[1])
    return shape[0] * scale, shape[1] * scale


def _rounded(size: tuple[float, float]) -> tuple[int, int]:
    return max(1, round(size[0])), max(1, round(size[1]))


def _middle(outer: tuple[int, int], inner: tuple[float, float]) -> Box:
    height, width = (min(pair) for pair in zip(outer, _rounded(inner), strict=True))
    return Box((outer[0] - height) // 2, (outer[1] - width) // 2, height, width)
