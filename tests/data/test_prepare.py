from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.data.align import align_face
from pmsgan.data.config import AlignConfig, Eyes, LinesConfig
from pmsgan.data.lines import draw_lines
from pmsgan.data.pairs import find_pairs
from pmsgan.data.prepare import prepare_aligned, prepare_lines, prepare_pairs
from pmsgan.errors import ConfigError, DataError


def disc(center: tuple[int, int] = (50, 50)) -> NDArray[np.uint8]:
    """A grey disc on a lighter ground."""
    image = np.full((100, 100, 3), 200, np.uint8)
    cv2.circle(image, center, 30, (90, 90, 90), -1, cv2.LINE_AA)
    return image


def test_a_line_is_drawn_along_the_edge_and_nowhere_else() -> None:
    drawing = draw_lines(disc(), LinesConfig())
    assert drawing.shape == (100, 100, 3)
    radius = np.hypot(*(np.indices((100, 100)) - 50))
    dark = drawing[:, :, 0] < 128
    assert np.abs(radius[dark] - 30).max() < 6
    angles = np.arctan2(*(np.argwhere(dark).T - 50))
    assert len(np.unique(np.round(angles * 4))) > 20
    assert (drawing[radius > 40] == 255).all()
    assert (drawing[radius < 20] == 255).all()


def test_a_lower_threshold_draws_less() -> None:
    tones = [draw_lines(disc(), LinesConfig(threshold=t)).mean() for t in (-0.002, -0.05, -0.2)]
    assert tones == sorted(tones)
    assert tones[-1] == 255


@pytest.mark.parametrize("field", ["sigma", "tau", "steepness", "smoothing"])
def test_wrong_line_settings_are_named(field: str) -> None:
    with pytest.raises(ConfigError, match=f"{field} is -1"):
        LinesConfig(**{field: -1})


@pytest.mark.parametrize(
    "eyes",
    [
        ((40.0, 40.0), (60.0, 40.0)),
        ((30.0, 50.0), (70.0, 60.0)),
        ((20.0, 70.0), (80.0, 20.0)),
        ((45.0, 50.0), (50.0, 52.0)),
    ],
)
def test_eyes_are_brought_to_their_place(eyes: Eyes) -> None:
    image = np.full((100, 120, 3), 255, np.uint8)
    for x, y in eyes:
        cv2.circle(image, (round(x), round(y)), 1, (0, 0, 0), -1)
    config = AlignConfig()
    crop = align_face(image, eyes, config)
    assert crop.shape == (250, 200, 3)
    for x, y in config.eyes:
        half = 20 if eyes[1][0] - eyes[0][0] > 10 else 12
        window = 255.0 - crop[:, :, 0][round(y) - half : round(y) + half + 1,
                                       round(x) - half : round(x) + half + 1]  # fmt: skip
        rows, columns = np.indices(window.shape) - half
        assert np.average(rows, weights=window) == pytest.approx(0, abs=2.5)
        assert np.average(columns, weights=window) == pytest.approx(0, abs=2.5)


def test_a_large_face_is_averaged_not_sampled() -> None:
    image = np.zeros((1000, 1000, 3), np.uint8)
    image[:, ::2] = 200  # stripes of one pixel
    crop = align_face(image, ((400.0, 500.0), (600.0, 500.0)), AlignConfig())
    assert np.abs(crop.astype(int) - 100).max() <= 3


def test_eyes_at_one_place_are_refused() -> None:
    with pytest.raises(DataError, match="in the same place"):
        align_face(disc(), ((5.0, 5.0), (5.0, 5.0)), AlignConfig())
    with pytest.raises(ConfigError, match="eye_height is 2"):
        AlignConfig(eye_height=2)
    with pytest.raises(ConfigError, match="width is 0"):
        AlignConfig(width=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for index in range(3):
        cv2.imwrite(str(tmp_path / "in" / f"{index}.png"), disc((40 + index * 5, 50)))
    return tmp_path / "in"


def test_lines_make_a_paired_set_and_name_bad_pictures(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.jpg").write_text("no picture")
    preparation = prepare_lines(folder, tmp_path / "out", LinesConfig())
    assert len(preparation) == 4
    failures = [one.name for one in preparation if one.failure]
    assert failures == ["bad"]
    pairs = find_pairs(tmp_path / "out", "picture:lines")
    assert [pair.name for pair in pairs] == ["0", "1", "2"]
    np.testing.assert_array_equal(pairs[0].input.read(), disc((40, 50)))


def test_aligned_faces_need_eyes(folder: Path, tmp_path: Path) -> None:
    eyes = tmp_path / "eyes.csv"
    eyes.write_text("name,left_x,left_y,right_x,right_y\n0.png,30,50,50,50\n1,30,50,50,50\n")
    done = list(prepare_aligned(folder, tmp_path / "out", eyes, AlignConfig()))
    assert [one.failure is None for one in done] == [True, True, False]
    assert "says nothing about 2.png" in str(done[2].failure)
    assert cv2.imread(str(tmp_path / "out" / "0.png")).shape == (250, 200, 3)


def test_sub_folders_are_mirrored(folder: Path, tmp_path: Path) -> None:
    (folder / "more").mkdir()
    for name in ("0.png", "1.png"):
        (folder / name).rename(folder / "more" / name)
    out = tmp_path / "out"
    for prepare in (
        lambda: prepare_lines(folder, out / "set", LinesConfig()),
        lambda: prepare_pairs(out / "set", out / "joined", "picture:lines"),
        lambda: prepare_pairs(out / "joined", out / "again", "picture:lines"),
    ):
        assert [one.failure for one in prepare()] == [None, None, None]
    for made in ("set/picture/more/0.png", "set/lines/2.png", "joined/more/1.png",
                 "again/lines/more/1.png"):  # fmt: skip
        assert (out / made).is_file()
    (tmp_path / "eyes").mkdir()
    for name in "012":
        (tmp_path / "eyes" / f"{name}.3pts").write_text("30 50\n50 50\n40 70\n")
    done = prepare_aligned(folder, out / "faces", tmp_path / "eyes", AlignConfig())
    assert [one.failure for one in done] == [None, None, None]
    assert (out / "faces" / "more" / "1.png").is_file()


@pytest.fixture
def unlike(tmp_path: Path) -> Path:
    """Two photographs and two sketches that have names of their own."""
    for side, level in (("photos", 10), ("original_sketch", 20)):
        (tmp_path / "set" / side).mkdir(parents=True)
        for number, name in enumerate(("anna", "otto") if side == "photos" else ("9", "10")):
            picture = np.full((8 + number, 8, 3), level, np.uint8)
            cv2.imwrite(str(tmp_path / "set" / side / f"{name}.png"), picture)
    return tmp_path / "set"


@pytest.mark.parametrize(
    "table",
    [
        "anna.tif,9.jpg\notto.tif,10.jpg\n",
        "photo,sketch\nphotos/anna.png,original_sketch/9.png\nphotos/otto.png,10\n",
        "10.jpg otto.tif\n9.jpg anna.tif\n",
        "anna.tif\notto.tif\n",
        "set/original_sketch/9.png||photos/anna.png||x\n10||otto||y\n",
        "anna.tif,9.jpg\n# the other way around\n\n10.jpg,otto.tif\n",
        "original_sketch/10.png,photos/otto.png\nphotos/anna.png,original_sketch/9.png\n",
    ],
)
def test_a_table_brings_two_namings_together(unlike: Path, tmp_path: Path, table: str) -> None:
    (tmp_path / "table").write_text(table)
    out = tmp_path / "out"
    made = prepare_pairs(unlike, out, "photo:sketch", tmp_path / "table")
    assert [one.failure for one in made] == [None, None]
    pairs = find_pairs(out, "photo:sketch")
    assert [pair.name for pair in pairs] == ["9", "10"]
    heights = [(it.input.read().shape[0], it.target.read().shape[0]) for it in pairs]
    assert heights == [(8, 8), (9, 9)]
    assert (pairs[0].input.read().mean(), pairs[0].target.read().mean()) == (10, 20)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("anna,9\nemil,10\n", r"1 pair with a picture that is missing .*: emil 10 \(line 2\)$"),
        (
            "anna,9\n\notto,anna\n",
            r"table, line 3: .*otto\.png and .*anna\.png are on the same side",
        ),
        ("anna,9\nanna,10\n", r"names .*anna\.png twice: remove a line"),
        ("anna\n", r"has 1 line for 2 pictures .*9\.png, \.\.\.\): write two names"),
        ("anna\nemil\n", r"names pictures that are not there: emil \(line 2\)"),
        ("", "names no pairs"),
    ],
)
def test_a_wrong_table_is_refused(unlike: Path, tmp_path: Path, table: str, reason: str) -> None:
    (tmp_path / "table").write_text(table)
    with pytest.raises(DataError, match=reason):
        prepare_pairs(unlike, tmp_path / "out", "photo:sketch", tmp_path / "table")


@pytest.mark.parametrize("lines", [(0, 0), (0, 1), (1, 1)])
def test_folders_tell_the_side_where_both_sides_have_the_same_names(
    tmp_path: Path, lines: tuple[int, int]
) -> None:
    for side, level in (("photos", 10), ("sketches", 20)):
        (tmp_path / "set" / side).mkdir(parents=True)
        for number in range(2):
            picture = np.full((8, 8, 3), level + number, np.uint8)
            cv2.imwrite(str(tmp_path / "set" / side / f"{number}.png"), picture)
    table = [["photos/0.png", "sketches/1.png"], ["photos/1.png", "sketches/0.png"]]
    text = "".join(
        ",".join(reversed(row) if is_swapped else row) + "\n"
        for row, is_swapped in zip(table, lines, strict=True)
    )
    (tmp_path / "table").write_text(text)
    list(prepare_pairs(tmp_path / "set", tmp_path / "out", "photo:sketch", tmp_path / "table"))
    levels = {
        (int(it.input.read().mean()), int(it.target.read().mean()))
        for it in find_pairs(tmp_path / "out", "photo:sketch")
    }
    assert levels == {(10, 21), (11, 20)}


def test_results_do_not_become_originals(folder: Path, tmp_path: Path) -> None:
    list(prepare_lines(folder, folder / "set", LinesConfig()))
    with pytest.raises(ConfigError, match="is inside the folder of originals and holds pictures"):
        prepare_lines(folder, folder / "set", LinesConfig())


def test_pairs_go_from_one_layout_to_the_other_and_back(folder: Path, tmp_path: Path) -> None:
    list(prepare_lines(folder, tmp_path / "two", LinesConfig()))
    joined, again = tmp_path / "joined", tmp_path / "again"
    assert not any(one.failure for one in prepare_pairs(tmp_path / "two", joined, "picture:lines"))
    assert cv2.imread(str(joined / "0.png")).shape == (100, 200, 3)
    assert not any(one.failure for one in prepare_pairs(joined, again, "picture:lines"))
    for name in ("picture/0.png", "lines/2.png"):
        before, after = (cv2.imread(str(root / name)) for root in (tmp_path / "two", again))
        np.testing.assert_array_equal(before, after)


def test_pairs_of_two_sizes_are_named(folder: Path, tmp_path: Path) -> None:
    list(prepare_lines(folder, tmp_path / "two", LinesConfig()))
    cv2.imwrite(str(tmp_path / "two" / "lines" / "1.png"), np.zeros((50, 100, 3), np.uint8))
    done = list(prepare_pairs(tmp_path / "two", tmp_path / "joined", "picture:lines"))
    assert "1 differ in size: 100x100 and 100x50" in str(done[1].failure)
    with pytest.raises(ConfigError, match="FROM:TO"):
        prepare_pairs(tmp_path / "two", tmp_path / "joined", "picture")


def test_originals_are_never_written_over(folder: Path, tmp_path: Path) -> None:
    eyes = tmp_path / "eyes.csv"
    eyes.write_text("name,left_x,left_y,right_x,right_y\n")
    list(prepare_lines(folder, tmp_path / "two", LinesConfig()))
    joined = tmp_path / "joined"
    list(prepare_pairs(tmp_path / "two", joined, "picture:lines"))
    for prepare in (
        lambda: prepare_aligned(folder, folder, eyes, AlignConfig()),
        lambda: prepare_lines(tmp_path / "two" / "lines", tmp_path / "two", LinesConfig()),
        lambda: prepare_pairs(tmp_path / "two", tmp_path / "two" / "lines", "picture:lines"),
        lambda: prepare_pairs(joined, tmp_path, "joined:other"),
    ):
        with pytest.raises(ConfigError, match="results would be written into"):
            prepare()


def test_what_cannot_be_written_is_a_failure(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    done = list(prepare_lines(folder, tmp_path / "out", LinesConfig()))
    assert all("cannot write" in str(one.failure) for one in done)


def test_links_in_out_are_not_followed(folder: Path, tmp_path: Path) -> None:
    out, theirs = tmp_path / "out", tmp_path / "theirs"
    out.mkdir()
    theirs.mkdir()
    (out / "picture").mkdir()
    (out / "lines").symlink_to(theirs)
    done = list(prepare_lines(folder, out, LinesConfig()))
    assert all("lines is a link" in str(it.failure) for it in done)
    assert not list(theirs.iterdir())
