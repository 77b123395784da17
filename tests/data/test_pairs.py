from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.data.pairs import PictureFile, find_pairs, list_pictures
from pmsgan.errors import ConfigError, DataError


def write(path: Path, level: int, height: int = 8, width: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), level, np.uint8))
    return path


@pytest.fixture
def two_folders(tmp_path: Path) -> Path:
    for index in range(4):
        write(tmp_path / "sketch" / f"{index}.png", 10 * index)
        write(tmp_path / "face" / f"{index}.jpg", 10 * index + 100)
    return tmp_path


def test_two_folders_are_paired_by_name(two_folders: Path) -> None:
    pairs = find_pairs(two_folders, "sketch:face")
    assert [pair.name for pair in pairs] == ["0", "1", "2", "3"]
    assert pairs[2].input.read().mean() == 20
    assert pairs[2].target.read().mean() == 120


def test_direction_turns_the_pairs_around(two_folders: Path) -> None:
    assert find_pairs(two_folders, "face:sketch")[2].input.read().mean() == 120


@pytest.mark.parametrize(("direction", "first"), [("left:right", 50), ("right:left", 200)])
def test_side_by_side_pictures_are_cut_in_the_middle(
    tmp_path: Path, direction: str, first: int
) -> None:
    both = np.hstack([np.full((8, 8, 3), 50, np.uint8), np.full((8, 8, 3), 200, np.uint8)])
    cv2.imwrite(str(tmp_path / "a.png"), both)
    (pair,) = find_pairs(tmp_path, direction)
    assert pair.input.read().shape == pair.target.read().shape == (8, 8, 3)
    assert pair.input.read().mean() == first


@pytest.mark.parametrize("direction", ["", "sketch", "a:", ":b", "a:a"])
def test_a_direction_that_cannot_be_read_is_refused(tmp_path: Path, direction: str) -> None:
    with pytest.raises(ConfigError, match="FROM:TO"):
        find_pairs(tmp_path, direction)


def test_pictures_without_partner_are_named(two_folders: Path) -> None:
    write(two_folders / "sketch" / "lonely.png", 1)
    with pytest.raises(DataError, match=r"1 pictures have no partner.*lonely"):
        find_pairs(two_folders, "sketch:face")


def test_two_pictures_of_one_name_are_refused(two_folders: Path) -> None:
    write(two_folders / "sketch" / "2.webp", 1)
    with pytest.raises(DataError, match=r"2\.png and 2\.webp have one name"):
        find_pairs(two_folders, "sketch:face")


def test_half_of_a_picture_one_pixel_wide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a picture"):
        PictureFile(write(tmp_path / "thin.png", 1, width=1), "left").read()


def test_folders_that_hold_nothing_are_refused(tmp_path: Path, two_folders: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        find_pairs(tmp_path / "missing", "left:right")
    with pytest.raises(DataError, match=r"no side-by-side.*\(face, sketch\)"):
        find_pairs(two_folders, "left:right")
    with pytest.raises(DataError, match="names two sub-folders"):
        find_pairs(two_folders, "sketch:photo")
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        find_pairs(tmp_path, "x:y")


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    with pytest.raises(DataError, match="cannot read"):
        PictureFile(broken).read()
    broken.write_text("no picture")
    with pytest.raises(DataError, match=r"broken\.png is not a picture"):
        PictureFile(broken).read()
    broken.write_bytes(b"")
    with pytest.raises(DataError, match=r"broken\.png is not a picture"):
        PictureFile(broken).read()


def test_pictures_are_listed_by_name(two_folders: Path, tmp_path: Path) -> None:
    (two_folders / "sketch" / ".hidden.png").touch()
    assert list(sorted(list_pictures(two_folders / "sketch"))) == ["0", "1", "2", "3"]
    with pytest.raises(DataError, match="holds no pictures"):
        list_pictures(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        list_pictures(tmp_path / "missing")
