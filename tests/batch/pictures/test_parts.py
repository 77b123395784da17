"""A picture of flat colours and lines is taken apart, and gets other colours."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.batch.pictures.colouring import Colouring
from pmsgan.batch.pictures.parts import separate

Pixels = NDArray[np.uint8]
SIDE, FINE = 96, 8

OLD = np.array([(218, 196, 144), (156, 201, 247), (194, 98, 76), (99, 90, 61)], np.uint8)
"""Ground, skin, hair, and glasses, whose colour a half dark ground has, too."""
NEW = np.array([(240, 240, 250), (58, 90, 141), (112, 208, 232), (30, 200, 30)], np.uint8)


def draw() -> tuple[Pixels, NDArray[np.float32]]:
    """Draw a head finely; return the part of each pixel, and the ink there, 0..1."""
    parts = np.zeros((SIDE * FINE, SIDE * FINE), np.uint8)
    ink = np.zeros(parts.shape, np.float32)
    middle = SIDE * FINE // 2
    for part, radius, height in ((1, 30, 0), (2, 22, -16)):
        place, axes = (middle, middle + height * FINE), (radius * FINE, (radius - 4) * FINE)
        cv2.ellipse(parts, place, axes, 10, 0, 360, part, -1)
        cv2.ellipse(ink, place, axes, 10, 0, 360, 1.0, 2 * FINE)
    parts[-10 * FINE :] = 1  # skin and ground without a line between them
    cv2.line(ink, (2 * FINE, 2 * FINE), (middle, middle), 1.0, FINE)
    return parts, ink


def painted(colours: Pixels, noise: float = 0.0) -> Pixels:
    """Return the drawing in these colours."""
    parts, ink = draw()
    fine = colours[parts] * (1 - ink[:, :, None])
    small = cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    small += np.random.default_rng(1).normal(0, noise, small.shape) if noise else 0
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)


def recoloured(image: Pixels, old: Pixels = OLD, new: Pixels = NEW) -> Pixels:
    colouring = Colouring(tuple(map(str, range(len(old)))), old, new)
    result = colouring.apply(image, image.shape[:2], lambda light: light)
    assert result is not None
    return result


@pytest.mark.parametrize(("noise", "decibels"), [(0.0, 40.0), (3.0, 33.0)])
def test_parts_get_other_colours_and_lines_stay(noise: float, decibels: float) -> None:
    result, wanted = recoloured(painted(OLD, noise)), painted(NEW)
    assert cv2.PSNR(result, wanted) > decibels
    assert np.abs(result.astype(int) - wanted).max(axis=2).mean() < 1.5


def test_areas_are_flat_and_black_is_black() -> None:
    image = painted(OLD, 3.0)
    image[20:30, 2:12] = 0
    result = recoloured(image)
    assert (result[40:60, 2:10] == NEW[0]).all()
    assert (result[22:28, 4:10] == 0).all()


def test_edges_keep_nothing_of_the_old_colours() -> None:
    """All ink on white: a fringe of the old blue hair would be the only blue."""
    grey = np.full_like(NEW, 255)
    result = recoloured(painted(OLD), new=grey).astype(int)
    assert np.ptp(result, axis=2).max() == 0
    assert np.abs(result - painted(grey)).max() < 40


def test_a_part_that_fills_no_area_takes_no_share_of_lines() -> None:
    """The edge of a line on the ground passes through the colour of glasses."""
    amounts = separate(painted(OLD), OLD)
    assert amounts is not None
    assert amounts[3].max() == 0
    assert amounts.shape == (4, SIDE, SIDE)
    assert amounts.min() >= 0
    assert amounts.sum(axis=0).max() <= 1 + 1e-5


def test_a_sliver_in_a_colour_that_no_blend_has_is_a_part() -> None:
    """The whites of eyes are two pixels wide, and stay white on dark skin."""
    white, bright = (253, 253, 251), (250, 252, 250)
    old, new = np.vstack([OLD, [white]]).astype(np.uint8), np.vstack([NEW, [bright]])
    image = painted(OLD)
    is_sliver = np.zeros((SIDE, SIDE), bool)
    is_sliver[58:60, 40:48] = True
    image[is_sliver] = white
    result = recoloured(image, old, new.astype(np.uint8)).astype(int)
    assert np.abs(result - bright)[is_sliver].max() < 10
    np.testing.assert_array_equal(result[~is_sliver], recoloured(painted(OLD))[~is_sliver])


def test_a_blend_between_two_parts_stays_one() -> None:
    ramp = np.linspace(0, 1, SIDE, dtype=np.float32)[None, :, None].repeat(SIDE, axis=0)
    ramp = np.clip(1.5 * ramp - 0.25, 0, 1)

    def between(colours: Pixels) -> Pixels:
        return np.rint(colours[0] * (1 - ramp) + colours[1] * ramp).astype(np.uint8)

    result = recoloured(between(OLD)).astype(int)
    assert (result[:, :10] == NEW[0]).all()
    assert (result[:, -10:] == NEW[1]).all()
    assert np.abs(np.diff(result, axis=1)).max() < 14, "there is no step"
    assert np.abs(result - between(NEW)).max() < 60


def test_the_colour_of_a_part_may_be_a_little_off() -> None:
    off = np.clip(OLD.astype(int) + 6, 0, 255).astype(np.uint8)
    assert cv2.PSNR(recoloured(painted(off)), painted(NEW)) > 38


@pytest.mark.parametrize(
    "make", [lambda: np.full((9, 9, 3), 128, np.uint8), lambda: np.zeros((1, 1, 3), np.uint8)]
)
def test_a_picture_without_the_parts_is_left_alone(make: Callable[[], Pixels]) -> None:
    assert separate(make(), OLD) is None


def test_any_picture_can_be_taken_apart() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (40, 30, 3), np.uint8)
    noise[:5, :5] = OLD[1]
    assert recoloured(noise).shape == noise.shape
    tiny = np.full((1, 2, 3), OLD[0], np.uint8)
    assert (recoloured(tiny) == NEW[0]).all()
    black = np.array([(0, 0, 0), (255, 255, 255)], np.uint8)
    colouring = Colouring(("0", "1"), black, NEW[:2])
    assert colouring.apply(np.zeros((9, 9, 3), np.uint8), (9, 9), lambda light: light) is None
