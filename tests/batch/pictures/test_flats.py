"""Flat colours go on below the lines, and are painted at any size."""

import numpy as np
import pytest

from pmsgan.batch.pictures.flats import enlarge_flat, find_flats, paint_flats

LIGHT, DARK = (238, 244, 246), (16, 12, 12)


def halves(ink: float) -> np.ndarray:
    """Return amounts of two parts side by side, and of a line between them, [2, 32, 32]."""
    amounts = np.zeros((2, 32, 32), np.float32)
    amounts[0, :, :16] = amounts[1, :, 16:] = 1
    amounts[:, :, 14:18] *= 1 - ink
    return amounts


@pytest.mark.parametrize(
    "colours", [(LIGHT, DARK), (DARK, LIGHT)], ids=["light first", "dark first"]
)
def test_the_darker_part_goes_on_below_a_line_of_a_pen(
    colours: tuple[tuple[int, ...], ...],
) -> None:
    both = np.array(colours, np.uint8)
    light, alphas = find_flats(halves(0.75), both)
    assert (light[:, 14:18] == 64).all()
    picture = paint_flats(list(alphas), both)
    is_light = (picture == LIGHT).all(axis=2)
    is_dark = (picture == DARK).all(axis=2)
    assert is_dark[:, 15:17].all(), "the core of the line"
    assert (is_light | is_dark).all()
    assert is_light.sum() == 32 * 15


def test_a_line_that_hides_all_leaves_no_gap() -> None:
    amounts = halves(1.0)
    light, alphas = find_flats(amounts, np.array([LIGHT, DARK], np.uint8))
    assert (light[:, 14:18] == 0).all()
    assert (alphas[0] == 255).all()
    assert (alphas[1][:, 18:] == 255).all()
    assert set(np.unique(alphas[1])) == {0, 255}


@pytest.mark.parametrize("size", [(32, 32), (128, 128), (128, 200)], ids=str)
def test_edges_are_about_a_pixel_wide_at_any_size(size: tuple[int, int]) -> None:
    _, alphas = find_flats(halves(0.0), np.array([LIGHT, DARK], np.uint8))
    alpha = enlarge_flat(alphas[1], size)
    assert alpha.shape == size
    is_edge = (alpha > 0) & (alpha < 255)
    assert is_edge.sum(axis=1).max() <= 4
    middle = (alpha >= 128).sum(axis=1)
    assert np.abs(middle - size[1] / 2).max() <= 1


def test_parts_cover_each_other() -> None:
    alphas = [np.full((2, 4), 255, np.uint8), *(np.zeros((2, 4), np.uint8) for _ in range(2))]
    alphas[1][:, 1:3] = 255
    alphas[2][0] = (0, 128, 0, 128)
    alphas[1][1, 3] = 51
    picture = paint_flats(alphas, np.array([(0, 0, 0), (100, 0, 0), (0, 200, 0)], np.uint8))
    assert picture[0].tolist() == [[0, 0, 0], [50, 100, 0], [100, 0, 0], [0, 100, 0]]
    assert picture[1].tolist() == [[0, 0, 0], [100, 0, 0], [100, 0, 0], [20, 0, 0]]
