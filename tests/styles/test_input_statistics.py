"""Photographs and line sketches are told apart, and a style says what it expects."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.batch.convert import convert_folder
from pmsgan.styles.input_statistics import describe_difference, measure_statistics, usual_ranges
from pmsgan.styles.registry import Style, find_style

SAMPLES = Path(__file__).parents[2] / "samples"
SKETCHES = SAMPLES / "sketches"
PHOTO = SAMPLES / "photos" / "grace_hopper.jpg"


def sketch(seed: int) -> NDArray[np.uint8]:
    image = np.full((64, 64, 3), 255, np.uint8)
    ends = np.random.default_rng(seed).integers(0, 64, (3, 2, 2))
    for start, end in ends:
        cv2.line(image, start.tolist(), end.tolist(), (0, 0, 0), 1)
    return image


def photograph(seed: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return cv2.resize(coarse, (64, 64)).astype(np.uint8, copy=False)


def test_features_of_plain_pictures() -> None:
    white = np.full((4, 4, 3), 255, np.uint8)
    assert measure_statistics(white) == {"colour": 0.0, "ground": 1.0}
    half = white.copy()
    half[:2] = (127, 0, 0)
    assert measure_statistics(half) == {"colour": pytest.approx(0.249, abs=1e-3), "ground": 0.5}
    grey = np.full((4, 4, 3), 200, np.uint8)
    assert measure_statistics(grey) == {"colour": 0.0, "ground": 1.0}
    ramp = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    assert measure_statistics(ramp) == {"colour": 0.0, "ground": 65 / 256}


def test_chalk_on_a_board_looks_like_ink_on_paper() -> None:
    drawn = sketch(0)
    assert measure_statistics(255 - drawn) == measure_statistics(drawn)


def test_sketches_and_photographs_are_told_apart() -> None:
    sketches, photographs = map(sketch, range(9)), map(photograph, range(9))
    usual = usual_ranges(sketches)
    assert describe_difference(map(sketch, range(9, 18)), usual) is None
    difference = describe_difference(photographs, usual)
    assert difference is not None
    assert difference.startswith("they are more colourful: 0.")
    usual = usual_ranges(map(photograph, range(9)))
    assert str(describe_difference(map(sketch, range(9)), usual)).startswith(
        "they are less colourful"
    )


def test_some_odd_pictures_among_others_are_nothing() -> None:
    usual = usual_ranges(map(sketch, range(9)))
    mixed = [*map(sketch, range(5)), *map(photograph, range(3))]
    assert describe_difference(mixed, usual) is None


def test_what_nobody_has_measured_is_not_told() -> None:
    assert usual_ranges([]) == {}
    assert describe_difference(map(photograph, range(2)), {}) is None
    assert describe_difference([], usual_ranges(map(sketch, range(2)))) is None
    assert describe_difference(map(sketch, range(2)), {"of another version": (0.0, 0.0)}) is None


@pytest.mark.parametrize("name", ["comic", "ink"])
def test_line_drawings_are_for_anime_and_not_for_styles_of_photographs(name: str) -> None:
    sketches = [cv2.imread(str(path)) for path in sorted(SKETCHES.glob("*.jpg"))]
    assert len(sketches) == 28
    assert describe_difference(sketches, find_style("anime").expects) is None  # type: ignore[arg-type]
    difference = describe_difference(sketches, find_style(name).expects)  # type: ignore[arg-type]
    assert str(difference).startswith("they are more like drawings on plain paper")


@pytest.mark.parametrize("name", ["comic", "ink"])
def test_a_photograph_is_for_styles_of_photographs_and_not_for_anime(name: str) -> None:
    photo = cv2.imread(str(PHOTO)).astype(np.uint8, copy=False)
    assert describe_difference([photo], find_style(name).expects) is None
    anime = find_style("anime").expects
    assert str(describe_difference([photo], anime)).startswith("they are more colourful")
    grey = cv2.merge([cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)] * 3).astype(np.uint8, copy=False)
    difference = str(describe_difference([grey], anime))
    assert difference.startswith("they are less like drawings on plain paper")


def test_convert_warns_once_and_goes_on(
    style: Style, in_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    strict = replace(style, expects={"colour": (0.0, 0.1), "ground": (0.8, 1.0)})
    report = convert_folder(in_dir, tmp_path / "out", strict, with_baseline=False)
    assert report.num_done == 9
    told = [it.getMessage() for it in caplog.records if "do not look like" in it.getMessage()]
    assert len(told) == 1
    assert "the style tiny (sketch): they are more colourful" in told[0]
    caplog.clear()
    convert_folder(in_dir, tmp_path / "again", style, with_baseline=False)
    assert "do not look like" not in caplog.text
