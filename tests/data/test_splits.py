from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.data import presets, splits
from pmsgan.data.config import PRESETS
from pmsgan.data.splits import Split, choose_at_random, load_split
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


@pytest.mark.parametrize(("count", "held_out"), [(19, 0), (20, 1), (99, 4), (4100, 200)])
def test_one_in_twenty_is_held_out_at_most_two_hundred(
    tmp_path: Path, count: int, held_out: int
) -> None:
    for number in range(count):
        (tmp_path / f"{number}.png").touch()
    split = load_split(tmp_path)
    assert (len(split.train), len(split.held_out)) == (count - held_out, held_out)
    assert split.rule == (
        "chosen at random with seed 0" if held_out else "since there are few pairs"
    )
    assert load_split(tmp_path, split="random:0").held_out == split.held_out
    assert load_split(tmp_path, split="all").held_out == ()


def test_a_choice_depends_on_names_and_seed_alone() -> None:
    names = [str(number) for number in range(1000)]
    chosen = choose_at_random(names, 50, 0)
    assert len(chosen) == 50
    assert choose_at_random(names[::-1], 50, 0) == chosen
    assert choose_at_random(names, 50, 1) != chosen
    assert choose_at_random([*names, "new"], 50, 0) - {"new"} <= chosen
    halves = sum(int(name) < 500 for name in choose_at_random(names, 400, 0))
    assert 150 < halves < 250  # not the first by name


@pytest.mark.parametrize("split", ["", "random", "random:", "random:x", "random:-1", "first"])
def test_a_split_that_cannot_be_read_is_refused(folder: Path, split: str) -> None:
    with pytest.raises(ConfigError, match="write random:SEED, such as random:0, or all"):
        load_split(folder, direction="photo:sketch", split=split)


def test_folders_of_parts_decide_unless_something_is_said(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "train/c", "test/a", "val/d", "other/e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.png").touch()
    split = load_split(tmp_path)
    assert [pair.name for pair in split.train] == ["train/a", "train/b", "train/c"]
    assert [pair.name for pair in split.held_out] == ["test/a", "val/d"]
    assert split.rule == "those in its test folders"
    assert load_split(tmp_path, split="all").held_out == ()
    (tmp_path / "list").write_text("val/d\n")
    listed = load_split(tmp_path, train_list=tmp_path / "list")
    assert [pair.name for pair in listed.train] == ["val/d"]


def test_few_pairs_are_all_trained_on(folder: Path) -> None:
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
    [
        ("a\nx\ny\n", r"names 2 pairs that are not there: x \(line 2\), y \(line 3\)"),
        ("\n", "no pairs"),
    ],
)
def test_a_wrong_list_is_refused(folder: Path, text: str, reason: str) -> None:
    chosen = folder / "train.txt"
    with pytest.raises(DataError, match="cannot read"):
        load_split(folder, direction="photo:sketch", train_list=chosen)
    chosen.write_text(text)
    with pytest.raises(DataError, match=reason):
        load_split(folder, direction="photo:sketch", train_list=chosen)
