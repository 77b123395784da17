"""Pairs that are hardly what the user meant are warned of."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.data.pairs import find_pairs
from pmsgan.data.suspicious_pairs import describe_suspicious


def write(path: Path, height: int, width: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((height, width, 3), np.uint8))


@pytest.mark.parametrize(
    ("width", "is_suspicious"), [(32, True), (24, True), (48, False), (64, False)]
)
def test_square_pictures_are_hardly_side_by_side(
    tmp_path: Path, width: int, is_suspicious: bool
) -> None:
    for number in range(12):
        write(tmp_path / f"{number}.png", 32, width)
    found = describe_suspicious(find_pairs(tmp_path, "left:right"))
    assert ["no picture is wider" in sentence for sentence in found] == [True] * is_suspicious


def test_pictures_of_a_pair_have_one_shape(tmp_path: Path) -> None:
    for number in range(12):
        write(tmp_path / "photo" / f"{number}.png", 32, 32)
        write(tmp_path / "drawing" / f"{number}.png", 64, 64 if number else 48)
    (found,) = describe_suspicious(find_pairs(tmp_path, "photo:drawing"))
    assert found.startswith("the two pictures of a pair differ in shape in 1 of 12 pairs")
    assert "0 (32x32 and 48x64)" in found


def test_a_picture_one_pixel_wide_has_an_empty_half(tmp_path: Path) -> None:
    for number in range(12):
        write(tmp_path / f"{number}.png", 32, 1)
    for direction in ("left:right", "right:left"):
        found = describe_suspicious(find_pairs(tmp_path, direction))
        assert len(found) == 2


def test_few_pairs_and_broken_pictures(tmp_path: Path) -> None:
    for side in ("photo", "drawing"):
        write(tmp_path / side / "a.png", 32, 32)
    (tmp_path / "photo" / "a.png").write_text("no picture")
    assert describe_suspicious(find_pairs(tmp_path, "photo:drawing")) == [
        "1 pair to train on: a style needs a few dozen"
    ]
