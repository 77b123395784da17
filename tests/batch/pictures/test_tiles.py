import itertools

import numpy as np
import pictures
import pytest

from pmsgan.batch.pictures.load import load
from pmsgan.batch.pictures.tiles import Tiles, tile_starts, tile_weights
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError
from pmsgan.styles.scaling import Scaling

SIDE = 32
ANY_SIZE = Scaling(mode="tiles")


def translated(picture: np.ndarray, style: object = None, side: int = SIDE) -> np.ndarray:
    """Return what becomes of a picture; by default of an engine that inverts."""
    tiles = Tiles(picture, (side, side))
    rows = [np.empty((side, side, 3), np.uint8) for _ in range(len(tiles))]
    for number, row in enumerate(rows):
        tiles.fill(number, row)
    order = np.random.default_rng(0).permutation(len(tiles))  # they come back in any order
    for count, number in enumerate(order, 1):
        row = rows[number]
        result = style(row, number) if callable(style) else 255 - row
        assert tiles.add(int(number), result, row) == (count == len(tiles))
    return tiles.blended()


@pytest.mark.parametrize("length", [32, 33, 40, 56, 57, 64, 100, 317, 2000])
def test_tiles_cover_a_length_and_weigh_one_everywhere(length: int) -> None:
    starts = tile_starts(length, SIDE)
    assert starts[0] == 0
    assert starts[-1] + SIDE == length
    assert all(b - a <= SIDE - SIDE // 4 + 1 for a, b in itertools.pairwise(starts))
    total = np.zeros(length, int)
    for start, weights in zip(starts, tile_weights(starts, SIDE), strict=True):
        assert weights.dtype == np.uint16
        total[start : start + SIDE] += weights
    assert (total == 16).all()


def test_what_is_no_longer_than_a_tile_is_one() -> None:
    assert tile_starts(7, SIDE) == tile_starts(SIDE, SIDE) == [0]
    assert (tile_weights([0], SIDE)[0] == 16).all()


@pytest.mark.parametrize("size", [(32, 32), (32, 100), (57, 33), (150, 201)])
def test_an_engine_that_sees_no_borders_gives_the_bytes_of_the_whole(
    size: tuple[int, int],
) -> None:
    picture = pictures.photo(*size)
    assert (translated(picture) == 255 - picture).all()


def test_no_seam_is_visible_where_neighbours_differ() -> None:
    def drifting(row: np.ndarray, number: int) -> np.ndarray:
        return np.full_like(row, 100 + 8 * (number % 2))

    result = translated(np.full((96, 600, 3), 90, np.uint8), drifting, side=96).astype(int)
    assert result.min() == 100
    assert result.max() == 108
    assert np.abs(np.diff(result, axis=1)).max() <= 1


def test_what_is_near_the_edge_of_a_tile_does_not_count() -> None:
    def framed(row: np.ndarray, number: int) -> np.ndarray:
        result = np.full_like(row, 255)
        result[3:-3, 3:-3] = row[3:-3, 3:-3]
        return result

    picture = np.full((100, 100, 3), 90, np.uint8)
    assert (translated(picture, framed)[3:-3, 3:-3] == 90).all()


def test_a_tile_of_one_colour_fails_the_picture_once_and_at_the_end() -> None:
    def dead(row: np.ndarray, number: int) -> np.ndarray:
        return np.zeros_like(row) if number == 1 else row

    with pytest.raises(ImageError, match="a part of its translation has only one colour"):
        translated(pictures.photo(64, 64), dead)


def test_paper_may_come_out_white_but_not_the_whole_picture() -> None:
    faint = np.full((64, 64, 3), 250, np.uint8)
    faint[::2] = 245
    faint[:8, :8] = pictures.photo(8, 8)

    def ink(row: np.ndarray, number: int) -> np.ndarray:
        return row if number == 0 else np.full_like(row, 255)

    assert (translated(faint, ink)[-8:, -8:] == 255).all()
    with pytest.raises(ImageError, match="its translation has only one colour"):
        translated(np.where(faint < 240, 240, faint), lambda row, _: np.full_like(row, 255))


def result_of(image: np.ndarray, settings: ConvertSettings, scaling: Scaling) -> np.ndarray:
    picture = load(pictures.encoded(image, "PNG"), (SIDE, SIDE), settings, scaling)
    result = None
    for number in range(picture.num_rows):
        row = np.empty((SIDE, SIDE, 3), np.uint8)
        picture.fill(row, number)
        assert result is None
        result = picture.add(255 - row, row, number)
    assert result is not None
    return result


@pytest.mark.parametrize("size", [(32, 32), (20, 90), (90, 20), (10, 10), (150, 201)])
def test_a_picture_seen_at_its_own_size_comes_back_whole(size: tuple[int, int]) -> None:
    image = pictures.photo(*size)
    found = result_of(image, ConvertSettings(), ANY_SIZE)
    assert (found == 255 - image[:, :, ::-1]).all()


@pytest.mark.parametrize(
    ("fit", "working_size", "num_rows", "canvas"),
    [
        ("pad", 0, 12, (75, 100)),
        ("pad", 32, 1, (32, 32)),
        ("pad", 48, 4, (36, 48)),
        ("pad", 500, 12, (75, 100)),
        ("pad", 40, 2, (32, 40)),
        ("stretch", 40, 4, (40, 40)),
        ("crop", 0, 9, (75, 75)),
    ],
)
def test_the_working_size_says_how_many_tiles_there_are(
    fit: str, working_size: int, num_rows: int, canvas: tuple[int, int]
) -> None:
    data = pictures.encoded(pictures.photo(75, 100), "PNG")
    scaling = Scaling(mode="tiles", working_size=working_size)
    picture = load(data, (SIDE, SIDE), ConvertSettings(fit=fit), scaling)  # type: ignore[arg-type]
    assert picture.placement.canvas == canvas
    assert picture.num_rows == num_rows
    assert picture.placement.output == ((75, 75) if fit == "crop" else (75, 100))


@pytest.mark.parametrize(
    ("size", "working_size", "canvas"),
    [
        ((24, 32), 64, (36, 48)),
        ((24, 32), 40, (32, 40)),
        ((54, 50), 64, (54, 50)),
        ((24, 32), 0, (32, 32)),
    ],
)
def test_a_picture_is_enlarged_to_the_style_s_size_alone(
    size: tuple[int, int], working_size: int, canvas: tuple[int, int]
) -> None:
    data = pictures.encoded(pictures.photo(*size), "PNG")
    scaling = Scaling(mode="tiles", working_size=working_size, min_size=48)
    picture = load(data, (SIDE, SIDE), ConvertSettings(), scaling)
    assert picture.placement.canvas == canvas
    assert picture.placement.output == size


def test_a_picture_too_narrow_for_tiles_is_refused() -> None:
    data = pictures.encoded(np.zeros((1, 3_000_000, 3), np.uint8), "PNG")
    with pytest.raises(ImageError, match="too large for the network at 3000000x32"):
        load(data, (SIDE, SIDE), ConvertSettings(), ANY_SIZE)


def test_a_picture_is_let_go_of_with_its_last_tile() -> None:
    tiles = Tiles(pictures.photo(64, 64), (SIDE, SIDE))
    for number in range(len(tiles)):
        tiles.fill(number, np.empty((SIDE, SIDE, 3), np.uint8))
    assert tiles._picture.size == 0
