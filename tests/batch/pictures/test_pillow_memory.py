"""Pixels of Pillow images, without a copy."""

import io

import numpy as np
import pictures
import pytest
from PIL import Image

from pmsgan.batch.pictures.colour import to_bgr
from pmsgan.batch.pictures.pillow_memory import view_rgb


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 48)])
def test_pixels_are_those_of_the_image(size: tuple[int, int]) -> None:
    image = Image.open(io.BytesIO(pictures.encoded(pictures.photo(*size), "PNG")))
    seen = view_rgb(image)
    assert seen is not None
    np.testing.assert_array_equal(seen[:, :, :3], np.asarray(image))
    assert not seen.flags.writeable


def test_pixels_outlive_their_image() -> None:
    image = Image.new("RGB", (256, 256), (1, 2, 3))
    seen = view_rgb(image)
    assert seen is not None
    del image
    others = [Image.new("RGB", (256, 256), (9, 9, 9)) for _ in range(8)]
    assert (seen[:, :, :3] == (1, 2, 3)).all(), others


def test_an_image_in_several_pieces_is_copied() -> None:
    image = Image.new("RGB", (4096, 1200), (1, 2, 3))
    image.putpixel((4095, 1199), (4, 5, 6))
    assert view_rgb(image) is None
    pixels = to_bgr(image)
    assert pixels[0, 0].tolist() == [3, 2, 1]
    assert pixels[-1, -1].tolist() == [6, 5, 4]


def test_no_copy_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("RGB", (64, 64), (1, 2, 3))
    monkeypatch.delattr(Image.Image, "tobytes")
    assert (to_bgr(image) == (3, 2, 1)).all()
