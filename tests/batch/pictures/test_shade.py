"""Parts are shaded away from the light, by one darker tone."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.batch.pictures.colouring import Colouring
from pmsgan.batch.pictures.shade import DARKNESS, find_shade

Pixels = NDArray[np.uint8]
SIDE = 128
NAMES = ("ground", "skin", "eyes", "hair")
COLOURS = np.array([(218, 196, 144), (156, 201, 247), (120, 160, 47), (194, 98, 76)], np.uint8)
DARK = round(255 * DARKNESS)


def alphas() -> Pixels:
    """Return a head with an eye, and hair above it."""
    planes = np.zeros((4, SIDE, SIDE), np.uint8)
    planes[0] = 255
    cv2.circle(planes[1], (64, 64), 40, 255, -1)
    cv2.circle(planes[2], (48, 68), 5, 255, -1)
    cv2.ellipse(planes[3], (64, 36), (44, 20), 0, 0, 360, 255, -1)
    return planes


@pytest.mark.parametrize(
    "size", [(SIDE, SIDE), (4 * SIDE, 4 * SIDE), (2 * SIDE, 3 * SIDE)], ids=str
)
def test_parts_are_dark_away_from_the_light(size: tuple[int, int]) -> None:
    shade = find_shade(NAMES, alphas(), size)
    assert shade.shape == size

    def at(x: int, y: int) -> int:
        return int(shade[y * size[0] // SIDE, x * size[1] // SIDE])

    assert at(88, 90) == DARK, "the face, below right"
    assert at(40, 90) == at(30, 70) == 0, "the face, left"
    assert at(60, 58) == DARK, "the shadow of the hair on the face"
    assert at(64, 53) == DARK, "the hair, below"
    assert at(50, 26) == 0, "the hair, above"
    assert at(44, 66) == at(51, 72) == at(56, 74) == 0, "eyes are in the face"
    assert shade.max() == DARK


def test_the_ground_is_not_shaded() -> None:
    planes = alphas()
    shade = find_shade(NAMES, planes, (SIDE, SIDE))
    assert (shade[planes[1:].max(axis=0) == 0] == 0).all()
    assert (find_shade(("ground",), planes[:1], (SIDE, SIDE)) == 0).all()
    assert (shade > 0).mean() > 0.03


def test_lines_stay_and_flats_get_darker_alone() -> None:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for number, alpha in enumerate(alphas()):
        labels[alpha > 0] = number
    drawing = COLOURS[labels]
    edges = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((3, 3)))
    drawing[edges > 0] = 0

    def coloured(*, is_shaded: bool) -> NDArray[np.float32]:
        colouring = Colouring(NAMES, COLOURS, COLOURS, is_shaded=is_shaded)
        result = colouring.apply(drawing, drawing.shape[:2], lambda light: light)
        assert result is not None
        return result.astype(np.float32)

    plain, shaded = coloured(is_shaded=False), coloured(is_shaded=True)
    np.testing.assert_array_equal(plain, drawing)
    assert (shaded[edges > 0] == 0).all()
    light = shaded.sum(axis=2) / np.maximum(plain.sum(axis=2), 1)
    assert np.abs(shaded - plain * light[:, :, None]).max() <= 1, "the hue stays"
    light = light[edges == 0]
    assert light.min() == pytest.approx(1 - DARKNESS, abs=0.01)
    is_tone = (np.abs(light - 1) < 0.01) | (np.abs(light - 1 + DARKNESS) < 0.01)
    assert is_tone.mean() > 0.95, "there are two tones"


def test_what_is_too_small_has_no_shade() -> None:
    planes = np.zeros((2, 16, 16), np.uint8)
    planes[0] = 255
    planes[1, 8, 8] = 255
    assert find_shade(("ground", "skin"), planes, (16, 16)).shape == (16, 16)
    assert (find_shade(("ground", "skin"), np.zeros_like(planes), (64, 9)) == 0).all()
