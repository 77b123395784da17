from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.data.pairs import Pair, find_pairs
from pmsgan.data.stream import PairStream
from pmsgan.errors import DataError


@pytest.fixture
def two_folders(tmp_path: Path) -> Path:
    for name, offset in (("sketch", 0), ("face", 100)):
        (tmp_path / name).mkdir()
        for index in range(4):
            level = np.full((8, 8, 3), 10 * index + offset, np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{index}.png"), level)
    return tmp_path


def stream(pairs: list[Pair], **changes: object) -> PairStream:
    settings = {"size": 8, "crop": 8, "flip": False, "seed": 0} | changes
    return PairStream(pairs, **settings)  # type: ignore[arg-type]


def test_each_pass_shows_every_pair_once_in_a_new_order(two_folders: Path) -> None:
    samples = stream(find_pairs(two_folders, "sketch:face"))
    levels = [int(samples[number][0].mean()) for number in range(12)]
    passes = [levels[start : start + 4] for start in (0, 4, 8)]
    assert all(sorted(one) == [0, 10, 20, 30] for one in passes)
    assert passes[0] != passes[1] or passes[1] != passes[2]


def test_a_number_is_the_same_sample_in_every_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(3):
        (tmp_path / "a").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"{index}.png"), rng.integers(0, 256, (32, 64, 3), np.uint8))
    pairs = find_pairs(tmp_path, "left:right")
    one, other, another_seed = (
        stream(pairs, size=32, crop=16, flip=True, seed=seed) for seed in (5, 5, 6)
    )
    for number in (7, 2, 7):
        for ours, theirs in zip(one[number][:2], other[number][:2], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert any((one[n][0] != another_seed[n][0]).any() for n in range(4))


def test_crop_and_flip_move_input_and_target_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    half = rng.integers(0, 256, (32, 32, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "same.png"), np.hstack([half, half]))
    samples = stream(find_pairs(tmp_path, "left:right"), size=32, crop=16, flip=True)
    seen = set()
    for number in range(20):
        source, target, _ = samples[number]
        assert source.shape == (16, 16, 3)
        np.testing.assert_array_equal(source, target)
        seen.add(source.tobytes())
    assert len(seen) > 10


def test_an_unreadable_pair_is_named_and_the_next_one_stands_in(two_folders: Path) -> None:
    pairs = find_pairs(two_folders, "sketch:face")
    (two_folders / "face" / "2.png").write_text("no picture")
    samples = [stream(pairs)[number] for number in range(4)]
    named = [skipped for _, _, skipped in samples if skipped]
    assert len(named) == 1
    assert "2.png is not in a supported format" in named[0]
    assert all(int(target.mean()) - int(source.mean()) == 100 for source, target, _ in samples)
    for index in (0, 1, 3):
        (two_folders / "sketch" / f"{index}.png").unlink()
    with pytest.raises(DataError, match="no pair can be read; the first reason: "):
        stream(pairs)[0]
