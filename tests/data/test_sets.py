"""Copies of the paper's sets, in the layouts in which they are found."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from data_sets import BOTH, FACE, Pictures, cuhk_names, make_cufs

from pmsgan.data import presets, splits
from pmsgan.data.config import PRESETS, PresetName
from pmsgan.data.pairs import find_pairs
from pmsgan.data.splits import Split, load_split
from pmsgan.errors import DataError


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return Pictures(tmp_path_factory.mktemp("store"))


def sizes(split: Split) -> tuple[int, int]:
    return len(split.train), len(split.held_out)


@pytest.fixture(scope="module")
def cufs(pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cufs")
    train, test = make_cufs(folder / "CUFS", pictures)
    (folder / "train.txt").write_text("\n".join(train))
    (folder / "all.txt").write_text("\n".join(train + test))
    return folder


def test_cufs_in_three_sets_takes_the_published_list(cufs: Path) -> None:
    split = load_split(cufs / "CUFS", preset="cufs", train_list=cufs / "train.txt")
    assert sizes(split) == (268, 338)
    assert split.train[0].name == "AR/44"
    assert split.train[0].input.path == cufs / "CUFS" / "AR" / "photos" / "44.jpg"
    assert split.train[0].target.path == cufs / "CUFS" / "AR" / "sketches" / "44.jpg"
    assert "CUHK/1" in {pair.name for pair in split.held_out}


def test_cufs_without_a_list_is_refused(cufs: Path) -> None:
    with pytest.raises(DataError, match="which 268 of the 606 pairs") as caught:
        load_split(cufs / "CUFS", preset="cufs")
    told = str(caught.value)
    assert "https://github.com/fei-aiart/ca-gan, data/list_train.txt" in told
    assert "type --train-list FILE" in told
    assert "--split random:0 would hold out 338 at random" in told
    assert "\n" not in told


def test_a_list_of_all_pairs_is_refused(cufs: Path) -> None:
    with pytest.raises(DataError, match=r"names all 606 pairs.*list of the 268 to train on"):
        load_split(cufs / "CUFS", preset="cufs", train_list=cufs / "all.txt")


def test_cufs_in_folders_of_parts(pictures: Pictures, tmp_path: Path) -> None:
    for part, count in (("train", 268), ("test", 338)):
        for side in ("photos", "sketches"):
            names = (f"{number}.jpg" for number in range(1, count + 1))
            pictures.put(tmp_path / "CUFS" / f"{part}_{side}", names, FACE)
    split = load_split(tmp_path / "CUFS", preset="cufs")
    assert sizes(split) == (268, 338)
    assert [pair.name for pair in split.train[:3]] == ["train/1", "train/2", "train/3"]
    assert split.train[1].target.path == tmp_path / "CUFS" / "train_sketches" / "2.jpg"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUFS and CUFSF with 6 pairs to train on and 4 to test."""
    names: tuple[PresetName, ...] = ("cufs", "cufsf")
    few = {name: replace(PRESETS[name], num_train=6, num_test=4) for name in names}
    for module in (presets, splits):
        monkeypatch.setattr(module, "PRESETS", few)


@pytest.mark.usefixtures("small")
def test_sides_that_are_called_a_and_b_have_to_be_told(pictures: Pictures, tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 4)):
        for side in ("a", "b"):
            names = (f"{number}.jpg" for number in range(1, count + 1))
            pictures.put(tmp_path / "cuhk" / part / side, names, FACE)
    with pytest.raises(DataError, match="--direction a:b if a has the photo side, else b:a"):
        load_split(tmp_path / "cuhk", preset="cufs")
    split = load_split(tmp_path / "cuhk", preset="cufs", direction="b:a")
    assert sizes(split) == (6, 4)
    assert split.held_out[0].input.path == tmp_path / "cuhk" / "test" / "b" / "1.jpg"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("count", "held_out"), [(9, 3), (8, None), (11, None)])
def test_cufs_may_lack_one_pair(
    pictures: Pictures, tmp_path: Path, count: int, held_out: int | None
) -> None:
    for side in ("photo", "sketch"):
        pictures.put(tmp_path / "CUFS" / side, (f"{it}.jpg" for it in range(count)), FACE)
    (tmp_path / "train.txt").write_text("0\n1\n2\n3\n4\n5\n")
    if held_out is None:
        with pytest.raises(
            DataError,
            match=rf"cufs has 10 pairs.*has {count}: complete the data "
            "set",
        ):
            load_split(tmp_path / "CUFS", preset="cufs", train_list=tmp_path / "train.txt")
        return
    split = load_split(tmp_path / "CUFS", preset="cufs", train_list=tmp_path / "train.txt")
    assert sizes(split) == (6, held_out)


@pytest.mark.usefixtures("small")
def test_a_list_of_another_length_is_told(
    pictures: Pictures, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for side in ("photo", "sketch"):
        pictures.put(tmp_path / "CUFS" / side, (f"{it}.jpg" for it in range(10)), FACE)
    (tmp_path / "test.txt").write_text("6\n7\n8\n9\n")
    load_split(tmp_path / "CUFS", preset="cufs", train_list=tmp_path / "test.txt")
    assert "test.txt names 4 pairs, the paper trains on 6" in caplog.text


@pytest.fixture
def cuhk(pictures: Pictures, tmp_path: Path) -> Path:
    for side, names in zip(("photos", "sketches"), cuhk_names(), strict=True):
        pictures.put(tmp_path / "CUHK" / side, names, FACE)
    return tmp_path / "CUHK"


def test_cuhk_s_own_names_are_paired(cuhk: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    pairs = {pair.name: pair.target.path.name for pair in find_pairs(cuhk, "photo:sketch")}
    assert len(pairs) == 188
    assert pairs["f-039-01"] == "f-039-01-sz1.jpg"
    assert pairs["f-005-01"] == "F2-005-01-sz1.jpg"
    assert pairs["f1-005-01"] == "f1-005-01-sz1.jpg"
    assert "188 pairs were matched although the names differ" in caplog.text


def test_cuhk_alone_is_no_cufs(cuhk: Path) -> None:
    with pytest.raises(DataError, match=r"cufs has 606 pairs.*XM2VTS 295.*has 188: ") as caught:
        load_split(cuhk, preset="cufs")
    assert "type --direction photo:sketch --size 256" in str(caught.value)
    split = load_split(cuhk, direction="photo:sketch")
    assert sizes(split) == (179, 9)


def test_cuhk_as_its_archives_unpack(pictures: Pictures, tmp_path: Path) -> None:
    for part, some in (("training", slice(0, 88)), ("testing", slice(88, 188))):
        for side, names in zip(("photos", "sketches"), cuhk_names(), strict=True):
            folder = tmp_path / f"CUHK_{part}_cropped_{side}" / side
            pictures.put(folder, names[some], FACE)
    split = load_split(tmp_path, direction="photo:sketch")
    assert sizes(split) == (88, 100)
    assert split.train[0].name == "CUHK_training_cropped/f1-001-01"


FERET = [f"{number:05}" for number in range(1, 11)]


@pytest.mark.usefixtures("small")
def test_cufsf_takes_a_list_with_other_folders(pictures: Pictures, tmp_path: Path) -> None:
    for side in ("photos", "sketches"):
        pictures.put(tmp_path / "CUFSF" / side, (f"{it}.jpg" for it in FERET), FACE)
    lines = (
        f"CUHK_FERET/photos/{it}.jpg||CUHK_FERET/sketches/{it}.jpg||CUHK_FERET/mat/{it}.mat||77"
        for it in FERET[3:9]
    )
    (tmp_path / "train.txt").write_text("\n".join(lines))
    split = load_split(tmp_path / "CUFSF", preset="cufsf", train_list=tmp_path / "train.txt")
    assert sizes(split) == (6, 4)
    assert split.train[0].name == "00004"


@pytest.mark.usefixtures("small")
def test_feret_s_names_begin_with_the_sketch_s(pictures: Pictures, tmp_path: Path) -> None:
    pictures.put(tmp_path / "photos", (f"{it}fa010_930831.tif" for it in FERET), (40, 60))
    pictures.put(tmp_path / "original_sketch", (f"{it}.jpg" for it in FERET), (50, 60))
    with pytest.raises(DataError) as caught:
        load_split(tmp_path, preset="cufsf", split="random:0")
    told = str(caught.value)
    assert told.startswith("cufsf is prepared at 200x250, but 20 pictures here are not (most")
    assert "pmsgan prepare align FOLDER OUT --eyes POINTS --width 200 --height 250" in told
    last = find_pairs(tmp_path, "sketch:photo")[-1]
    assert (last.name, last.target.path.name) == ("00010", "00010fa010_930831.tif")


def test_feret_s_other_files_are_named(pictures: Pictures, tmp_path: Path) -> None:
    pictures.put(tmp_path / "original_sketch", ("00001.jpg",), FACE)
    pictures.put(tmp_path / "photos", ("00001_930831_fa.ppm.bz2",), FACE)
    with pytest.raises(DataError, match=r"type bunzip2 .*photos/\*.bz2$"):
        load_split(tmp_path, preset="cufsf")
    (tmp_path / "photos" / "00001_930831_fa.ppm.bz2").rename(tmp_path / "photos" / "1.ppm")
    with pytest.raises(DataError, match=r"type mogrify -format png .*photos/\*.ppm"):
        load_split(tmp_path, preset="cufsf")


def test_unlike_names_want_a_table(pictures: Pictures, tmp_path: Path) -> None:
    pictures.put(tmp_path / "original_sketch", ("00001.jpg", "00002.jpg"), FACE)
    pictures.put(tmp_path / "photos", ("anna.png", "otto.png"), FACE)
    with pytest.raises(DataError) as caught:
        load_split(tmp_path, preset="cufsf")
    told = str(caught.value)
    assert told.startswith(
        "4 pictures have no partner with the same name (00001, 00002, anna, otto)"
    )
    assert f"pmsgan prepare pairs {tmp_path} OUT --direction photo:sketch --pairs FILE" in told


@pytest.mark.parametrize("root", ["", "data"])
def test_apdrawing_s_folders_decide(pictures: Pictures, tmp_path: Path, root: str) -> None:
    pictures.put(tmp_path / "data" / "train", (f"{it}.png" for it in range(1, 71)), BOTH)
    pictures.put(tmp_path / "data" / "test", (f"{it}.png" for it in range(71, 141)), BOTH)
    split = load_split(tmp_path / root, preset="apdrawing")
    assert sizes(split) == (70, 70)
    assert [pair.name for pair in split.train[8:11]] == ["train/9", "train/10", "train/11"]
    assert split.train[0].input.half == "left"
    turned = load_split(tmp_path / root, preset="apdrawing", direction="drawing:photo")
    assert turned.train[0].input.half == "right"


def test_apdrawing_may_be_augmented(
    pictures: Pictures, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    augmented = (f"{it}_{copy}.png" for it in range(1, 71) for copy in range(6))
    pictures.put(tmp_path / "data" / "train", augmented, BOTH)
    pictures.put(tmp_path / "data" / "test", (f"{it}.png" for it in range(71, 141)), BOTH)
    pictures.put(tmp_path / "data" / "test_single", ("me.png",), (512, 512))
    pictures.put(tmp_path / "mask" / "ALL", (f"{it}.png" for it in range(71, 141)), (512, 512))
    assert sizes(load_split(tmp_path, preset="apdrawing")) == (420, 70)
    assert "71 pictures" in caplog.text
    for name in (71, 72):
        (tmp_path / "data" / "test" / f"{name}.png").unlink()
    with pytest.raises(
        DataError, match="has 420 to train on and 68 to test: complete the data set"
    ):
        load_split(tmp_path, preset="apdrawing")


def test_apdrawing_in_one_folder_is_not_divided_by_name(pictures: Pictures, tmp_path: Path) -> None:
    pictures.put(tmp_path, (f"{it}.png" for it in range(1, 141)), BOTH)
    with pytest.raises(DataError, match="divided by its authors' folders train and test"):
        load_split(tmp_path, preset="apdrawing")


def test_anime_side_by_side_of_any_number(
    pictures: Pictures, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pictures.put(tmp_path / "data" / "train", (f"{it}.png" for it in range(0, 80, 2)), BOTH)
    pictures.put(tmp_path / "data" / "val", (f"{it}.png" for it in range(1, 21, 2)), BOTH)
    with pytest.raises(DataError, match=r"type --direction left:right, or right:left if sketch"):
        load_split(tmp_path / "data", preset="sketch2anime")
    split = load_split(tmp_path / "data", preset="sketch2anime", direction="right:left")
    assert sizes(split) == (40, 10)
    assert "135,509 pairs in the paper" in caplog.text


def test_anime_in_buckets_is_divided_at_random(pictures: Pictures, tmp_path: Path) -> None:
    for number in range(250):
        pictures.put(tmp_path / "one" / f"{number % 100:04}", (f"{number}.png",), BOTH)
        for side in ("sketch", "anime"):
            folder = tmp_path / "two" / side / f"{number % 100:04}"
            pictures.put(folder, (f"{number}.png",), (512, 512))
    one = load_split(tmp_path / "one", preset="sketch2anime", direction="right:left")
    two = load_split(tmp_path / "two", preset="sketch2anime")
    assert sizes(one) == sizes(two) == (240, 10)
    assert one.rule == "chosen at random with seed 0"
    assert [pair.name for pair in one.held_out] == [pair.name for pair in two.held_out]
    assert two.pairs[0].name == "0000/0"
    other = load_split(tmp_path / "two", preset="sketch2anime", split="random:1")
    assert other.held_out != two.held_out
    again = load_split(tmp_path / "two", preset="sketch2anime", split="random:0")
    assert again.held_out == two.held_out
