from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.data.config import FlatsConfig
from pmsgan.data.flat_pairs import draw_pair, fit_page, make_rng
from pmsgan.data.flats import Pen, Placement, color_in, draw_line_art, find_flats, place
from pmsgan.data.pairs import find_pairs
from pmsgan.data.paper import Look, photograph
from pmsgan.data.prepare import prepare_flats
from pmsgan.errors import ConfigError, DataError

GROUND, SKIN, HAIR = (220, 200, 150), (156, 201, 247), (194, 98, 76)


def face(side: int = 256, line_type: int = cv2.LINE_8) -> NDArray[np.uint8]:
    """A disc of skin, its upper half hair, with a black mouth."""
    image = np.full((side, side, 3), GROUND, np.uint8)
    middle, radius = (side // 2, side // 2), side // 3
    cv2.circle(image, middle, radius, SKIN, -1, line_type)
    cv2.ellipse(image, middle, (radius, radius), 180, 0, 180, HAIR, -1, line_type)
    mouth = ((side * 3 // 8, side * 5 // 8), (side * 5 // 8, side * 5 // 8))
    cv2.line(image, *mouth, (0, 0, 0), max(1, side // 64), line_type)
    return image


def colors_of(image: NDArray[np.uint8]) -> set[tuple[int, ...]]:
    return {tuple(color) for color in image.reshape(-1, 3).tolist()}


def test_an_illustration_comes_apart_into_colours_and_strokes() -> None:
    image = face()
    flats = find_flats(image)
    assert colors_of(flats.palette) == {GROUND, SKIN, HAIR}
    assert (flats.ink == 255 * (image == 0).all(axis=2)).all()
    below = color_in(flats)
    same = (below == image).all(axis=2)[flats.ink == 0]
    assert same.mean() > 0.9995  # single pixels that stick out are taken off
    assert colors_of(below[flats.ink > 0]) == {SKIN}  # skin goes on below the mouth


def test_blends_and_artefacts_become_flat() -> None:
    smooth = face(line_type=cv2.LINE_AA)
    data = cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    shaded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    below = color_in(find_flats(shaded.astype(np.uint8))).astype(int)
    off = np.abs(below - color_in(find_flats(face()))).max(axis=2)
    assert np.mean(off <= 4) > 0.98  # the others lie at edges


def test_a_picture_without_areas_is_refused() -> None:
    with pytest.raises(DataError, match="no colour covers an area"):
        find_flats(np.zeros((32, 32, 3), np.uint8))


def test_lines_are_where_colours_meet_and_where_strokes_are() -> None:
    image = face()
    lines = draw_line_art(find_flats(image), Pen(softness=0.6))
    rows, columns = np.indices(lines.shape) - 128
    radius = np.hypot(rows, columns)
    outline = np.abs(radius - 85) < 1.5
    assert cv2.dilate(lines, np.ones((5, 5)))[outline].min() > 0.7
    assert lines[126:130, 60:196].max(axis=0).min() > 0.6  # between hair and skin
    assert lines[160, 100:156].min() == pytest.approx(1.0, abs=0.01)  # the mouth
    elsewhere = (np.abs(radius - 85) > 6) & (np.abs(rows) > 6) & (np.abs(rows - 32) > 8)
    assert lines[elsewhere].max() < 1e-6


def test_a_pen_decides_how_wide_lines_are() -> None:
    flats = find_flats(face())
    amounts = [draw_line_art(flats, Pen(widen=widen)).sum() for widen in (-1, 0, 2, 5)]
    assert amounts == sorted(set(amounts))
    thin = draw_line_art(find_flats(face(64)), Pen(widen=-1, softness=0.6))
    assert thin[40, 28:36].min() > 0.5  # a stroke of one pixel stays


@pytest.mark.parametrize("mirrored", [False, True])
def test_lines_and_colours_are_placed_alike(mirrored: bool) -> None:
    image = np.full((100, 100, 3), GROUND, np.uint8)
    image[20:40, 60:90] = HAIR
    image[25:35, 70:80] = 0
    placed = place(
        find_flats(image), Placement(scale=0.5, shift=(0.1, -0.2), mirrored=mirrored), 200
    )
    center = np.argwhere(placed.ink > 127).mean(axis=0) + 0.5
    right_of_middle = -25 if mirrored else 25  # the picture is shown at its own size
    assert center == pytest.approx((100 - 40 - 20, 100 + 20 + right_of_middle), abs=1.0)
    assert colors_of(color_in(placed)) == {GROUND, HAIR}


def test_a_drawing_that_is_cut_off_below_goes_on_unless_it_has_margins() -> None:
    image = np.full((100, 100, 3), GROUND, np.uint8)
    image[50:, 30:70] = SKIN
    image[:30, 40:60] = HAIR
    image[90:, 45:55] = 0
    flats = find_flats(image)
    small = place(flats, Placement(scale=0.5), 100)
    below = color_in(small)
    assert tuple(below[99, 50]) == SKIN
    assert small.ink[74, 50] == 255
    assert small.ink[78:].max() == 0  # a stroke would become a bar
    assert tuple(below[0, 50]) == GROUND  # nothing goes on above
    ended = color_in(place(flats, Placement(scale=0.5, margins=True), 100))
    assert tuple(ended[99, 50]) == GROUND


def test_below_a_stroke_at_the_lower_border_the_colour_beside_it_goes_on() -> None:
    image = np.full((100, 100, 3), SKIN, np.uint8)
    image[80:, :40] = image[80:, 60:] = HAIR
    image[94:, 30:70] = 0
    below = color_in(place(find_flats(image), Placement(scale=0.5), 100))
    assert tuple(below[60, 50]) == SKIN
    assert colors_of(below[76:, 30:70]) == {HAIR}


def test_a_wobble_moves_edges_and_no_colour() -> None:
    flats = find_flats(face())
    stray = np.random.default_rng(0).uniform(-3, 3, (8, 8, 2)).astype(np.float32)
    moved = place(flats, Placement(wobble=stray), 256)
    plain = place(flats, Placement(), 256)
    assert 0.001 < np.mean(moved.labels != plain.labels) < 0.05


def test_chalk_on_a_board_is_lighter_than_the_board() -> None:
    lines = np.zeros((64, 64), np.float32)
    lines[30:34] = 1.0
    look = Look(ink=(240.0, 240.0, 240.0), paper=(50.0, 60.0, 50.0), noise=2.0, jpeg_quality=80)
    board = photograph(lines, look, np.random.default_rng(0))
    assert board[31:33].mean() > 200
    assert board[:20].mean() < 80


def test_a_clean_look_changes_nothing() -> None:
    lines = np.linspace(0, 1, 256, dtype=np.float32)[np.newaxis].repeat(4, axis=0)
    seen = photograph(lines, Look(), np.random.default_rng(0))
    assert (seen[:, :, 0] == np.arange(255, -1, -1)).all()


def test_a_target_has_the_flat_colours_away_from_its_lines() -> None:
    flats = fit_page(face(200), 128)
    seen = set()
    for number in range(24):
        drawing, target = draw_pair(flats, 128, make_rng(0, "face", number))
        assert drawing.shape == target.shape == (128, 128, 3)
        flat = colors_of(target) & {GROUND, SKIN, HAIR}
        share = np.mean([tuple(color) in flat for color in target.reshape(-1, 3).tolist()])
        assert share > 0.6
        seen.add(bool(drawing.mean() < 110))
    assert seen == {False, True}  # paper and boards


def test_lines_of_the_drawing_are_kept_in_the_target() -> None:
    flats = fit_page(face(), 256)
    clean = next(
        pair
        for number in range(50)
        if (pair := draw_pair(flats, 256, make_rng(0, "face", number)))[0].max() == 255
        and (pair[0][:, :, 0] == pair[0][:, :, 2]).all()
        and np.median(pair[0]) == 255
    )
    drawing, target = clean
    black = drawing.max(axis=2) < 40
    assert black.any()
    assert target[black].max() < 60


def test_a_variation_depends_on_seed_name_and_number_alone() -> None:
    flats = fit_page(face(), 64)
    first = draw_pair(flats, 64, make_rng(3, "a", 1))
    for same, other in zip(first, draw_pair(flats, 64, make_rng(3, "a", 1)), strict=True):
        np.testing.assert_array_equal(same, other)
    for seed, name, number in ((4, "a", 1), (3, "b", 1), (3, "a", 2)):
        other_pair = draw_pair(flats, 64, make_rng(seed, name, number))
        assert (other_pair[0] != first[0]).any()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name in "abc":
        cv2.imwrite(str(tmp_path / "in" / f"{name}.png"), face(100))
    return tmp_path / "in"


def test_flats_make_a_paired_set_and_name_bad_pictures(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_text("no picture")
    cv2.imwrite(str(folder / "night.png"), np.zeros((50, 50, 3), np.uint8))
    config = FlatsConfig(size=64, per_picture=2, num_processes=1)
    done = list(prepare_flats(folder, tmp_path / "out", config))
    failures = {one.name: one.failure for one in done if one.failure}
    assert list(failures) == ["bad.png", "night.png"]
    assert all(name in str(failure) for name, failure in failures.items())
    pairs = find_pairs(tmp_path / "out", "lines:flats")
    assert [pair.name for pair in pairs] == ["a_1", "a_2", "b_1", "b_2", "c_1", "c_2"]
    assert pairs[0].input.read().shape == pairs[0].target.read().shape == (64, 64, 3)


def test_several_processes_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name, num_processes in (("one", 1), ("two", 2)):
        config = FlatsConfig(size=64, num_processes=num_processes)
        assert not any(one.failure for one in prepare_flats(folder, tmp_path / name, config))
    for file in ("lines/a.png", "flats/b.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_illustrations_are_never_written_over(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "flats")
    with pytest.raises(ConfigError, match="results would be written into"):
        prepare_flats(tmp_path / "flats", tmp_path, FlatsConfig())


@pytest.mark.parametrize("field", ["size", "per_picture", "seed", "num_processes"])
def test_wrong_settings_of_flats_are_named(field: str) -> None:
    with pytest.raises(ConfigError, match=f"{field} is -1"):
        FlatsConfig(**{field: -1})
