from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.data.pairs import Pair, PairStream, Picture, find_pairs, fit
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
        Picture(broken).read()
    broken.write_text("no picture")
    with pytest.raises(DataError, match=r"broken\.png is not a picture"):
        Picture(broken).read()
    broken.write_bytes(b"")
    with pytest.raises(DataError, match=r"broken\.png is not a picture"):
        Picture(broken).read()


def stream(pairs: list[Pair], **changes: object) -> PairStream:
    settings = {"size": 8, "crop": 8, "flip": False, "seed": 0} | changes
    return PairStream(pairs, **settings)  # type: ignore[arg-type]


def test_each_pass_shows_every_pair_once_in_a_new_order(two_folders: Path) -> None:
    samples = stream(find_pairs(two_folders, "sketch:face"))
    levels = [int(samples[number][0].mean()) for number in range(12)]
    passes = [levels[start : start + 4] for start in (0, 4, 8)]
    assert all(sorted(one) == [0, 10, 20, 30] for one in passes)
    assert passes[0] != passes[1] or passes[1] != passes[2]


def test_a_number_is_the_same_sample_in_every_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(3):
        (tmp_path / "a").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"{index}.png"), rng.integers(0, 256, (32, 64, 3), np.uint8))
    pairs = find_pairs(tmp_path, "left:right")
    one, other, another_seed = (
        stream(pairs, size=32, crop=16, flip=True, seed=seed) for seed in (5, 5, 6)
    )
    for number in (7, 2, 7):
        for ours, theirs in zip(one[number], other[number], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert any((one[n][0] != another_seed[n][0]).any() for n in range(4))


def test_crop_and_flip_move_input_and_target_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    half = rng.integers(0, 256, (32, 32, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "same.png"), np.hstack([half, half]))
    samples = stream(find_pairs(tmp_path, "left:right"), size=32, crop=16, flip=True)
    seen = set()
    for number in range(20):
        source, target = samples[number]
        assert source.shape == (16, 16, 3)
        np.testing.assert_array_equal(source, target)
        seen.add(source.tobytes())
    assert len(seen) > 10


@pytest.mark.parametrize("side", [4, 8, 16])
def test_fit_brings_a_picture_to_size(side: int) -> None:
    image = np.full((8, 8, 3), 77, np.uint8)
    assert fit(image, side).shape == (side, side, 3)
    assert (fit(image, side) == 77).all()
