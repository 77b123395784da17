"""Results are compared in the true pictures' own size."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.data.pairs import PictureFile
from pmsgan.errors import DataError
from pmsgan.evaluation.config import SizeChoice
from pmsgan.evaluation.evaluate import compare_methods
from pmsgan.evaluation.sizes import match_sizes


@pytest.fixture(scope="module")
def truth() -> NDArray[np.uint8]:
    """A smooth picture of the paper's 200x250, at half its sides."""
    coarse = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (100, 125)), np.uint8)


def difference(images: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> float:
    ours, true = images
    return float(np.abs(ours.astype(int) - true).mean())


def test_what_pad_filled_up_is_cut_off(truth: NDArray[np.uint8], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "x.png"), truth)
    seen = PictureFile(tmp_path / "x.png").read_at(128, 128)  # as a network sees it
    ours, true = match_sizes(seen, truth, SizeChoice(fit="pad"))
    assert true is truth
    assert ours.shape == truth.shape
    assert difference((ours, true)) < 2.0
    assert difference(match_sizes(seen, truth, SizeChoice(fit="stretch"))) > 5.0


def test_what_stretch_stretched_is_restored(truth: NDArray[np.uint8]) -> None:
    seen = np.asarray(cv2.resize(truth, (128, 128)), np.uint8)
    ours, true = match_sizes(seen, truth, SizeChoice(fit="stretch"))
    assert ours.shape == truth.shape
    assert difference((ours, true)) < 2.0


def test_what_crop_left_out_is_not_compared(truth: NDArray[np.uint8]) -> None:
    seen = np.asarray(cv2.resize(truth[12:112], (128, 128)), np.uint8)
    ours, true = match_sizes(seen, truth, SizeChoice(fit="crop"))
    assert ours.shape == true.shape == (100, 100, 3)
    assert difference((ours, true)) < 2.0


def test_a_result_of_the_same_shape_needs_no_word(truth: NDArray[np.uint8]) -> None:
    smaller = np.asarray(cv2.resize(truth, (51, 64)), np.uint8)
    ours, true = match_sizes(smaller, truth, SizeChoice())
    assert ours.shape == true.shape == truth.shape
    with pytest.raises(
        DataError, match="is 128x128, but the true picture is 100x125: say with --fit pad"
    ):
        match_sizes(np.zeros((128, 128, 3), np.uint8), truth, SizeChoice())


def test_the_truth_can_be_brought_to_the_result(truth: NDArray[np.uint8]) -> None:
    result = np.zeros((128, 128, 3), np.uint8)
    ours, true = match_sizes(result, truth, SizeChoice(fit="pad", resize_truth=True))
    assert ours is result
    assert true.shape == (128, 128, 3)
    assert (true[:, :13] == true[:, 12:13]).all()  # filled up with the edge
    assert difference((true[:, 13:115], np.asarray(cv2.resize(truth, (102, 128)), np.uint8))) < 2.0


def test_methods_of_several_sizes_are_scored_at_the_truth_s(
    truth: NDArray[np.uint8], tmp_path: Path
) -> None:
    results = {"ours": truth, "theirs": np.asarray(cv2.resize(truth, (128, 128)), np.uint8)}
    for name, image in {**results, "truth": truth}.items():
        (tmp_path / name).mkdir()
        for number in "12":
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), image)
    (tmp_path / "theirs" / "2.png").write_bytes(b"no picture")
    folders = {name: tmp_path / name for name in results}
    found = compare_methods(folders, tmp_path / "truth", ["fsim"], size=SizeChoice(fit="stretch"))
    assert dict(found.sizes) == {(100, 125): 1}  # the second is scored for neither
    first, second = found.evaluations
    assert (first.num_resized, second.num_resized) == (0, 1)
    assert list(second.failures) == ["2"]
    assert first.scores["fsim"].value == pytest.approx(1.0)
    assert second.scores["fsim"].value == pytest.approx(0.995, abs=0.005)
    assert not found.is_complete
