"""A network's record of the pairs that it was trained on."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.data.pairs import find_pairs
from pmsgan.data.trained_pairs import TrainedPairs
from pmsgan.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pairs of two folders."""
    for side in ("photo", "sketch"):
        (tmp_path / side).mkdir()
        for number in range(3):
            image = np.full((4, 4, 3), 50 * number + len(side), np.uint8)
            cv2.imwrite(str(tmp_path / side / f"{number}.png"), image)
    return tmp_path


def test_a_pair_is_known_by_either_file_and_by_its_name(folder: Path) -> None:
    trained = TrainedPairs.of(find_pairs(folder, "photo:sketch")[:2])
    photo, sketch, other = folder / "photo/0.png", folder / "sketch/0.png", folder / "photo/2.png"
    assert trained.has_file(photo)
    assert trained.has_file(other, sketch)
    assert trained.has_file(Path(shutil.copy(photo, folder / "renamed.png")))
    assert not trained.has_file(other, folder / "missing.png")
    assert trained.has_name("1")
    assert not trained.has_name("2")
    turned = TrainedPairs.of(find_pairs(folder, "sketch:photo")[:2])
    assert (turned.files == trained.files).all()


def test_a_record_is_small_and_names_nothing(folder: Path) -> None:
    trained = TrainedPairs.of(find_pairs(folder, "photo:sketch"))
    content = trained.to_bytes()
    assert len(content) < 200 + 3 * 24
    again = TrainedPairs.from_bytes(content)
    assert (again.names == trained.names).all()
    assert (again.files == trained.files).all()
    for damaged in (b"", content[:-1], content.replace(b'"names"', b'"other"')):
        with pytest.raises(DataError, match="not a record of trained pairs"):
            TrainedPairs.from_bytes(damaged)


def test_two_records_are_joined(folder: Path) -> None:
    pairs = find_pairs(folder, "photo:sketch")
    both = TrainedPairs.of(pairs[:2]) | TrainedPairs.of(pairs[1:])
    assert len(both.names) == 3
    assert len(both.files) == 6


def test_both_halves_of_a_file_are_one_file(folder: Path) -> None:
    pairs = find_pairs(folder / "photo", "left:right")
    assert len(TrainedPairs.of(pairs).files) == 3


def test_a_file_that_cannot_be_read_was_not_trained_on(folder: Path) -> None:
    pairs = find_pairs(folder, "photo:sketch")
    (folder / "photo/0.png").unlink()
    trained = TrainedPairs.of(pairs)
    assert (len(trained.names), len(trained.files)) == (3, 5)
