import os
import re
from pathlib import Path

import cv2
import numpy as np
import pictures
import pytest
from numpy.typing import NDArray

from pmsgan.batch.pictures.decode import decode, quiet_decoders
from pmsgan.batch.pictures.load import load
from pmsgan.batch.settings import ConvertSettings
from pmsgan.data.pairs import find_pairs
from pmsgan.data.picture_file import PictureFile
from pmsgan.data.tree import list_pictures
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
    with pytest.raises(DataError, match=r"1 picture has no partner.*lonely"):
        find_pairs(two_folders, "sketch:face")


def test_sub_folders_are_walked(tmp_path: Path) -> None:
    for name in ("sketch/x/1.png", "face/x/1.png", "sketch/2.png", "face/2.png"):
        write(tmp_path / "two" / name, 1)
    names = [pair.name for pair in find_pairs(tmp_path / "two", "sketch:face")]
    assert names == ["2", "x/1"]
    for name in ("10.png", "9.png", "x/1.png", ".hidden/3.png", "run/samples/step_7.png"):
        write(tmp_path / "one" / name, 1)
    (tmp_path / "one" / "run" / "metrics.jsonl").touch()
    (tmp_path / "one" / "again").symlink_to(tmp_path / "one")
    names = [pair.name for pair in find_pairs(tmp_path / "one", "left:right")]
    assert names == ["9", "10", "x/1"]


def test_two_sides_are_not_taken_for_side_by_side_pictures(tmp_path: Path) -> None:
    for name in ("face/1.png", "sketch/1.jpg", "mask/1.png"):
        write(tmp_path / "data" / name, 1)
    with pytest.raises(DataError, match=r"two of its folders \(face, mask, sketch\) give"):
        find_pairs(tmp_path, "left:right")
    write(tmp_path / "2.png", 1)
    assert [pair.name for pair in find_pairs(tmp_path, "left:right")] == ["2"]
    for name in ("trainA/1.png", "trainB/1.png", "testA/2.png", "testB/2.png"):
        write(tmp_path / "cycle" / name, 1)
    with pytest.raises(DataError, match=r"two of its folders \(testA, testB, trainA, trainB\)"):
        find_pairs(tmp_path / "cycle", "left:right")
    pairs = find_pairs(tmp_path / "cycle", "A:B")
    assert [(pair.name, pair.part) for pair in pairs] == [("test/2", "test"), ("train/1", "train")]


def test_two_pictures_of_one_name_are_refused(two_folders: Path) -> None:
    write(two_folders / "sketch" / "2.webp", 1)
    with pytest.raises(DataError, match=r"2\.png and 2\.webp have the same name"):
        find_pairs(two_folders, "sketch:face")


def test_half_of_a_picture_one_pixel_wide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"thin\.png is one pixel wide and cannot be split into halves"
    ):
        PictureFile(write(tmp_path / "thin.png", 1, width=1), "left").read()


def test_folders_that_hold_nothing_are_refused(tmp_path: Path, two_folders: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        find_pairs(tmp_path / "missing", "left:right")
    with pytest.raises(DataError, match=r"no side-by-side.*\(face, sketch\)"):
        find_pairs(two_folders, "left:right")
    with pytest.raises(DataError, match=rf"face is one side of the pairs: give {two_folders}$"):
        find_pairs(two_folders / "face", "sketch:face")
    with pytest.raises(DataError, match=r"no folder of photo.*--direction face:sketch if face has"):
        find_pairs(two_folders, "sketch:photo")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no pictures"):
        find_pairs(tmp_path / "empty", "x:y")


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    with pytest.raises(DataError, match=r"broken\.png cannot be read: No such file"):
        PictureFile(broken).read()
    broken.write_text("no picture")
    with pytest.raises(
        DataError,
        match=r"broken\.png is not in a supported format.*; replace it "
        r"or remove",
    ):
        PictureFile(broken).read()
    broken.write_bytes(b"")
    with pytest.raises(DataError, match=r"broken\.png is empty"):
        PictureFile(broken).read()


def seen_by_convert(data: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    row = np.empty((*size, 3), np.uint8)
    load(data, size, ConvertSettings()).fill(row)
    return row


@pytest.mark.parametrize("case", pictures.cases(), ids=lambda case: ascii(case.name))
def test_training_sees_what_converting_sees(case: pictures.Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.data)
    picture = PictureFile(path)
    if case.failure is not None:
        for read in (picture.read, lambda: picture.read_at(24, 32)):
            with pytest.raises(DataError, match=re.escape(case.failure)) as raised:
                read()
            assert str(path) in str(raised.value)
        return
    with quiet_decoders():
        whole = seen_by_convert(case.data, decode(case.data).full_size)
        fitted = seen_by_convert(case.data, (24, 32))
    np.testing.assert_array_equal(picture.read(), whole)
    assert picture.size() == whole.shape[1::-1]
    np.testing.assert_array_equal(picture.read_at(24, 32), fitted)
    assert case.check(picture.read())


def test_halves_are_read_by_the_same_rule(tmp_path: Path) -> None:
    (case,) = (case for case in pictures.cases() if case.name == "swapped.png")
    (tmp_path / "a.png").write_bytes(case.data)
    whole = PictureFile(tmp_path / "a.png").read()
    halves = [PictureFile(tmp_path / "a.png", half) for half in ("left", "right")]
    np.testing.assert_array_equal(np.hstack([half.read() for half in halves]), whole)
    assert [half.size() for half in halves] == [half.read().shape[1::-1] for half in halves]
    for half in halves:
        assert pictures.near((30, 30, 200), 12)(half.read_at(8, 8))


def test_what_never_ends_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "folder.png").mkdir()
    for name, reason in {
        "pipe.png": "is not a file",
        "zero.png": "is not a file",
        "loop.png": "cannot be read",
        "folder.png": "is not a file",
    }.items():
        for half in ("whole", "left"):
            picture = PictureFile(tmp_path / name, half)  # type: ignore[arg-type]
            for read in (picture.read, picture.size):
                with pytest.raises(DataError, match=re.escape(f"{name} {reason}")):
                    read()


def test_a_link_leads_to_its_picture(two_folders: Path, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(two_folders / "sketch" / "2.png")
    assert PictureFile(tmp_path / "link.png").read().mean() == 20


def test_pictures_are_listed_by_name(two_folders: Path, tmp_path: Path) -> None:
    (two_folders / "sketch" / ".hidden.png").touch()
    assert list(list_pictures(two_folders / "sketch")) == ["0", "1", "2", "3"]
    assert list(list_pictures(two_folders))[3:5] == ["face/3", "sketch/0"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        list_pictures(tmp_path / "empty")
    with pytest.raises(DataError, match="is not a folder"):
        list_pictures(tmp_path / "missing")
