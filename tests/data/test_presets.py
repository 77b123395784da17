from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.data import presets
from pmsgan.data.config import PRESETS
from pmsgan.data.pairs import Pair, find_pairs
from pmsgan.data.presets import check_preset
from pmsgan.errors import DataError


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    for folder in ("photo", "sketch"):
        (tmp_path / folder).mkdir()
        for name in "abcdefgh":
            picture = np.zeros((250, 200, 3), np.uint8)
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
    return find_pairs(tmp_path, "photo:sketch")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUFS with eight pairs."""
    eight = replace(PRESETS["cufs"], num_train=6, num_test=2)
    monkeypatch.setattr(presets, "PRESETS", {"cufs": eight})


def test_the_sets_are_those_of_the_paper() -> None:
    assert {name: preset.num_pairs for name, preset in PRESETS.items()} == {
        "cufs": 606,
        "cufsf": 1194,
        "apdrawing": 140,
        "sketch2anime": 135_509,
    }
    assert [preset.size for preset in PRESETS.values()] == [256, 256, 512, 512]


def test_a_folder_that_looks_like_the_set_passes(
    pairs: list[Pair], tmp_path: Path, small: None
) -> None:
    check_preset(pairs, "cufs", tmp_path, "photo:sketch")


def test_a_wrong_number_of_pairs_is_described(pairs: list[Pair], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cufs has 606 pairs \(CUHK.*has 8: complete the data set"):
        check_preset(pairs, "cufs", tmp_path, "photo:sketch")


def test_other_sizes_are_described_with_five_names(
    pairs: list[Pair], tmp_path: Path, small: None
) -> None:
    for pair in pairs[:7]:
        cv2.imwrite(str(pair.target.path), np.zeros((100, 80, 3), np.uint8))
    with pytest.raises(DataError) as caught:
        check_preset(pairs, "cufs", tmp_path, "photo:sketch")
    assert "prepared at 200x250, but 7 pictures here are not (most of them 80x100)" in str(
        caught.value
    )
    assert "sketch/a.png, sketch/b.png" in str(caught.value)
    assert "sketch/e.png and 2 more; for each side, type pmsgan prepare align" in str(caught.value)
