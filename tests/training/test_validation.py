from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pmsgan.data.pairs import Pair, PictureFile
from pmsgan.training.validation import MAX_PAIRS, Validation, validate


class Copy(nn.Module):
    """Returns its input where it translates, and noise where it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (torch.rand_like(image) if self.training else image,)


def pair(folder: Path, name: str, source: int, target: int) -> Pair:
    for side, level in (("in", source), ("out", target)):
        picture = np.full((8, 8, 3), level, np.uint8)
        picture[:4] += 20
        cv2.imwrite(str(folder / f"{name}_{side}.png"), picture)
    return Pair(name, *(PictureFile(folder / f"{name}_{side}.png") for side in ("in", "out")))


def test_the_distance_is_the_mean_over_the_pairs_that_can_be_read(tmp_path: Path) -> None:
    broken = Pair("c", PictureFile(tmp_path / "c.png"), PictureFile(tmp_path / "c.png"))
    pairs = [pair(tmp_path, "a", 100, 104), broken, pair(tmp_path, "b", 50, 60)]
    network = Copy()
    measured = validate(network, pairs, 8)  # type: ignore[arg-type]
    assert network.training
    assert measured is not None
    assert measured.l1 == pytest.approx(7)
    assert measured.plain_l1 == pytest.approx(10)
    assert validate(network, [broken], 8) is None  # type: ignore[arg-type]
    assert validate(network, [broken] * MAX_PAIRS + pairs, 8) is None  # type: ignore[arg-type]


def test_a_network_is_poor_where_it_hardly_beats_pictures_of_one_colour() -> None:
    assert Validation(8.0, 10.0).is_poor
    assert not Validation(6.0, 10.0).is_poor
