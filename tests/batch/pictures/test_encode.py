import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import pictures
import pytest

from pmsgan.batch.pictures.decode import decode
from pmsgan.batch.pictures.encode import encode
from pmsgan.batch.pictures.load import LoadedPicture, load
from pmsgan.batch.settings import ConvertSettings

STYLE_SIZE = (96, 128)


def loaded(data: bytes, settings: ConvertSettings) -> tuple[LoadedPicture, np.ndarray]:
    """Return a picture, and what an engine that copies makes of it."""
    picture = load(data, STYLE_SIZE, settings)
    row = np.zeros((*STYLE_SIZE, 3), np.uint8)
    picture.fill(row)
    return picture, row


def png_of(image: np.ndarray, level: int) -> bytes:
    settings = ConvertSettings(png_level=level)
    picture, row = loaded(pictures.encoded(image, "PNG"), settings)
    return encode(picture.add(row, row), picture, ".png", settings)


def drawing() -> np.ndarray:
    """Flat colours and smooth lines, RGB."""
    image = np.full((*STYLE_SIZE, 3), (250, 240, 220), np.uint8)
    cv2.ellipse(image, (64, 48), (40, 30), 20, 0, 360, (180, 90, 60), -1, cv2.LINE_AA)
    cv2.ellipse(image, (64, 48), (40, 30), 20, 0, 360, (20, 20, 20), 2, cv2.LINE_AA)
    return image


def row_filters(png: bytes) -> set[int]:
    width = struct.unpack(">I", png[16:20])[0]
    packed, position = b"", 8
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        if png[position + 4 : position + 8] == b"IDAT":
            packed += png[position + 8 : position + 8 + length]
        position += 12 + length
    return set(zlib.decompress(packed)[:: 3 * width + 1])


def test_the_usual_png_filters_each_row_by_the_one_above() -> None:
    assert row_filters(png_of(drawing(), 1)) == {2}
    assert len(row_filters(png_of(pictures.photo(*STYLE_SIZE), 6))) > 1


SMOOTH = cv2.GaussianBlur(pictures.photo(*STYLE_SIZE), (0, 0), 2)


@pytest.mark.parametrize("image", [drawing(), SMOOTH], ids=["drawing", "photo"])
def test_higher_levels_of_png_are_smaller(image: np.ndarray) -> None:
    sizes = [len(png_of(image, level)) for level in (0, 1, 2, 9)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)


@pytest.mark.parametrize("level", range(10))
def test_png_loses_nothing(level: int) -> None:
    image = np.dstack([pictures.photo(*STYLE_SIZE), pictures.photo(*STYLE_SIZE)[:, :, 0]])
    image[:4] = 255
    data = png_of(image, level)
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    settings = ConvertSettings()
    _, row = loaded(pictures.encoded(image, "PNG"), settings)
    assert (shown[:, :, :3] == row).all()
    assert (shown[:, :, 3] == image[:, :, 3]).all()
    assert decode(data).full_size == STYLE_SIZE


def test_the_bytes_of_a_file_are_copied_once() -> None:
    picture, _ = loaded(pictures.encoded(pictures.photo(96, 128), "PNG"), ConvertSettings())
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    encode(noise, picture, ".png", ConvertSettings())
    tracemalloc.start()
    try:
        file = encode(noise, picture, ".png", ConvertSettings())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(file) < peak < 2.5 * len(file)  # the encoder's own, and the file
