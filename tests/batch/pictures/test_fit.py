import numpy as np
import pytest

from pmsgan.batch.pictures.fit import Box, crop_channel, crop_result, fit_into_row, place

TALL = np.zeros((100, 50, 3), np.uint8)
TALL[:25], TALL[25:75], TALL[75:] = 40, 120, 200


def translated(fit: str, output_size: str) -> np.ndarray:
    """A style of 40x40 that changes nothing."""
    placement = place((100, 50), (40, 40), fit, output_size)  # type: ignore[arg-type]
    row = np.full((40, 40, 3), 7, np.uint8)
    fit_into_row(TALL, placement, row)
    assert (row != 7).all()
    return crop_result(row, placement)


@pytest.mark.parametrize(
    ("fit", "style_size", "source_size"),
    [("stretch", (40, 40), (100, 50)), ("pad", (40, 20), (100, 50)), ("crop", (40, 40), (50, 50))],
)
def test_results_have_the_size_asked_for(
    fit: str, style_size: tuple[int, int], source_size: tuple[int, int]
) -> None:
    assert translated(fit, "style").shape[:2] == style_size
    assert translated(fit, "source").shape[:2] == source_size


@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_nothing_moves(fit: str) -> None:
    back = translated(fit, "source")
    for rows in (slice(0, 22), slice(28, 72), slice(78, 100)):
        assert np.abs(back[rows].astype(int) - TALL[rows]).max() <= 1


def test_crop_keeps_the_middle() -> None:
    assert np.abs(translated("crop", "style").astype(int) - 120).max() <= 1


@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_a_number_is_the_long_side_of_the_result(fit: str) -> None:
    for source, output in (((100, 50), (30, 15)), ((50, 100), (15, 30)), ((1, 100), (1, 30))):
        assert place(source, (40, 40), fit, 30).output == output  # type: ignore[arg-type]
    assert place((100, 50), (40, 40), "crop", 30).output == (30, 30)


def test_padding_continues_the_edge() -> None:
    wide = np.full((50, 100, 3), 90, np.uint8)
    placement = place((50, 100), (40, 40), "pad", "style")
    assert placement.region == Box(10, 0, 20, 40)
    row = np.zeros((40, 40, 3), np.uint8)
    fit_into_row(wide, placement, row)
    assert (row == 90).all()


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_extreme_shapes_have_at_least_a_pixel(fit: str, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 80, np.uint8)
    for output_size in ("style", "source"):
        placement = place(size, (40, 48), fit, output_size)  # type: ignore[arg-type]
        row = np.zeros((40, 48, 3), np.uint8)
        fit_into_row(image, placement, row)
        assert (row == 80).all()
        assert (crop_result(row, placement) == 80).all()
        alpha = crop_channel(image[:, :, 0], placement)
        assert alpha.shape == crop_result(row, placement).shape[:2]
