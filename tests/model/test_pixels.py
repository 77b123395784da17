import numpy as np
import torch

from pmsgan.model.pixels import bytes_to_rgb, rgb_to_bytes


def test_every_level_survives_the_round_trip() -> None:
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).repeat(1, 1, 1, 3)
    assert torch.equal(rgb_to_bytes(bytes_to_rgb(levels)), levels)


def test_blue_comes_first_in_bytes_and_last_in_rgb() -> None:
    image = torch.tensor([255, 127, 0], dtype=torch.uint8).reshape(1, 1, 1, 3)
    rgb = bytes_to_rgb(image).flatten().tolist()
    np.testing.assert_allclose(rgb, [-1.0, 127 / 127.5 - 1, 1.0], atol=1e-6)


def test_values_outside_the_range_are_clipped() -> None:
    image = torch.tensor([-3.0, 0.0, 3.0]).reshape(1, 3, 1, 1)
    assert rgb_to_bytes(image).flatten().tolist() == [255, 128, 0]
