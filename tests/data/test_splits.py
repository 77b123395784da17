from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.data import presets, splits
from pmsgan.data.config import PRESETS
from pmsgan.data.splits import Split, load_split
from pmsgan.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for side in ("photo", "sketch"):
        (tmp_path / side).mkdir()
        for name in "abcdefgh":
            picture = np.zeros((250, 200, 3), np.uint8)
            cv2.imwrite(str(tmp_path / side / f"{name}.png"), picture)
    return tmp_path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUFS with eight pairs."""
    eight = {"cufs": replace(PRESETS["cufs"], num_train=6, num_test=2)}
    for module in (presets, splits):
        monkeypatch.setattr(module, "PRESETS", eight)


def names(split: Split) -> list[str]:
    return ["".join(pair.name for pair in side) for side in (split.train, split.held_out)]


def test_all_pairs_are_trained_on_where_nothing_else_is_said(folder: Path) -> None:
    split = load_split(folder, direction="sketch:photo")
    assert names(split) == ["abcdefgh", ""]
    assert split.pairs[0].input.path == folder / "sketch" / "a.png"


def test_a_preset_decides_direction_and_number(folder: Path, small: None) -> None:
    split = load_split(folder, preset="cufs", split="random:0")
    assert split.direction == "photo:sketch"
    assert list(map(len, names(split))) == [6, 2]
    turned = load_split(folder, preset="cufs", direction="sketch:photo", split="random:0")
    assert turned.direction == "sketch:photo"
    assert names(turned) == names(split)


def test_a_folder_that_is_not_the_preset_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="cufs has 606 pairs"):
        load_split(folder, preset="cufs")


def test_without_a_direction_pairs_are_side_by_side(folder: Path) -> None:
    cv2.imwrite(str(folder / "one.png"), np.zeros((8, 16, 3), np.uint8))
    split = load_split(folder)
    assert (split.direction, names(split)) == ("left:right", ["one", ""])
    with pytest.raises(ConfigError, match="write FROM:TO"):
        load_split(folder, direction="photo")


def test_a_list_decides_before_the_preset(folder: Path, small: None) -> None:
    chosen = folder / "train.txt"
    chosen.write_text("h\n\n b.png \n")
    assert names(load_split(folder, preset="cufs", train_list=chosen)) == ["hb", "acdefg"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a\nx\ny\n", "names 2 pairs that are not there: x, y"), ("\n", "no pairs")],
)
def test_a_wrong_list_is_refused(folder: Path, text: str, reason: str) -> None:
    chosen = folder / "train.txt"
    with pytest.raises(DataError, match="cannot read"):
        load_split(folder, direction="photo:sketch", train_list=chosen)
    chosen.write_text(text)
    with pytest.raises(DataError, match=reason):
        load_split(folder, direction="photo:sketch", train_list=chosen)
