import numpy as np
import pytest

from pmsgan.resize import resize_into


@pytest.mark.parametrize("shape", [(8, 8), (1, 1), (300, 2), (5, 100), (64, 64)])
def test_any_size_is_stretched_over_the_row_in_place(shape: tuple[int, int]) -> None:
    rows = np.zeros((3, 8, 8, 3), np.uint8)
    resize_into(np.full((*shape, 3), 200, np.uint8), rows[1])
    assert (rows[1] == 200).all()
    assert not rows[0].any()
    assert not rows[2].any()


def test_shrinking_averages() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[::2] = 200
    row = np.zeros((2, 2, 3), np.uint8)
    resize_into(image, row)
    assert (row == 100).all()
