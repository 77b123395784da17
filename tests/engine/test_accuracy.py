import math

import numpy as np
import pytest

from pmsgan.engine.accuracy import check_pictures, compare, has_constant_picture


def test_compare_counts_grey_levels_in_both_directions() -> None:
    reference = np.full((1, 4, 4, 3), 100, np.uint8)
    pictures = reference.copy()
    pictures[0, 0, 0] = (98, 100, 103)
    accuracy = compare(pictures, reference)
    assert accuracy.max_difference == 3
    assert accuracy.mean_difference == pytest.approx(5 / 48)
    assert accuracy.psnr_db == pytest.approx(10 * math.log10(255**2 / (13 / 48)))
    assert "largest difference 3 grey levels" in str(accuracy)


def test_equal_pictures_have_infinite_psnr() -> None:
    pictures = check_pictures(8, 8)
    assert compare(pictures, pictures).psnr_db == math.inf
    assert compare(pictures, pictures).to_json()["psnr_db"] is None


def test_one_constant_picture_among_others_is_found() -> None:
    pictures = check_pictures(16, 12)
    assert pictures.shape == (4, 16, 12, 3)
    assert not has_constant_picture(pictures)
    pictures[2] = (0, 50, 100)
    assert has_constant_picture(pictures)


def test_check_pictures_are_always_the_same() -> None:
    np.testing.assert_array_equal(check_pictures(32, 32), check_pictures(32, 32))
