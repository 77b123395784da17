from pathlib import Path

import cv2
import numpy as np
import pictures
import pytest
from PIL import Image

from pmsgan.batch.pictures.decode import decode
from pmsgan.batch.pictures.encode import encode
from pmsgan.batch.pictures.load import LoadedPicture, check_translated, load
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError, ImageError

STYLE_SIZE = (32, 48)
USUAL = ConvertSettings()


def loaded(tmp_path: Path, image: np.ndarray, settings: ConvertSettings = USUAL) -> LoadedPicture:
    path = tmp_path / "a.png"
    path.write_bytes(pictures.encoded(image, "PNG"))
    return load(path.read_bytes(), STYLE_SIZE, settings)


def row_of(picture: LoadedPicture) -> np.ndarray:
    row = np.zeros((*STYLE_SIZE, 3), np.uint8)
    picture.fill(row)
    return row


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_picture_keeps_its_looks(tmp_path: Path, suffix: str) -> None:
    picture = loaded(tmp_path, np.full((64, 64, 3), (230, 120, 10), np.uint8))
    data = encode(row_of(picture), picture, suffix, USUAL)
    found = decode(data)
    assert found.pixels.shape == (*STYLE_SIZE, 3)
    assert np.abs(found.pixels.astype(int) - (10, 120, 230)).max() <= 6


def test_a_profile_is_applied_where_the_engine_sees_it(tmp_path: Path) -> None:
    (case,) = (case for case in pictures.cases() if case.name == "swapped.png")
    (tmp_path / "a.png").write_bytes(case.data)
    picture = load((tmp_path / "a.png").read_bytes(), STYLE_SIZE, USUAL)
    assert pictures.near((30, 30, 200), 12)(row_of(picture))
    assert picture.note is None


def test_a_bad_profile_is_noted(tmp_path: Path) -> None:
    (case,) = (case for case in pictures.cases() if case.name == "bad-profile.png")
    (tmp_path / "a.png").write_bytes(case.data)
    picture = load((tmp_path / "a.png").read_bytes(), STYLE_SIZE, USUAL)
    assert pictures.near((200, 30, 30))(row_of(picture))
    assert picture.note == "its colour profile cannot be used and is ignored"


@pytest.mark.parametrize("output_size", ["style", "source"])
def test_transparency_comes_back_or_is_shown_on_white(tmp_path: Path, output_size: str) -> None:
    settings = ConvertSettings(output_size=output_size)  # type: ignore[arg-type]
    image = np.full((60, 80, 4), 100, np.uint8)
    image[:, :40, 3], image[:, 40:, 3] = 0, 255
    picture = loaded(tmp_path, image, settings)
    row = row_of(picture)
    assert (row[:, :20] == 255).all()
    for suffix in (".png", ".webp"):
        found = decode(encode(row, picture, suffix, settings))
        assert found.alpha is not None
        assert found.alpha.shape == (STYLE_SIZE if output_size == "style" else (60, 80))
        width = found.alpha.shape[1]
        assert (found.alpha[:, : width // 2 - 2] == 0).all()
        assert (found.alpha[:, width // 2 + 2 :] == 255).all()
    black = np.zeros_like(row)
    shown = decode(encode(black, picture, ".jpg", settings)).pixels
    assert (shown[:, 2] > 250).all()
    assert (shown[:, -2] < 5).all()


def test_settings_reach_the_encoders(tmp_path: Path) -> None:
    picture = loaded(tmp_path, pictures.photo(*STYLE_SIZE))
    row = row_of(picture)

    def size(suffix: str, **settings: int) -> int:
        return len(encode(row, picture, suffix, ConvertSettings(**settings)))  # type: ignore[arg-type]

    assert size(".jpg", quality=50) < size(".jpg", quality=95)
    assert size(".webp", quality=50) < size(".webp", quality=95)
    assert size(".png", png_level=9) < size(".png", png_level=0)
    for wrong in ({"quality": 0}, {"quality": 101}, {"png_level": 10}):
        with pytest.raises(ConfigError, match="must lie within"):
            ConvertSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("suffix", "width"), [(".webp", 17_000), (".jpg", 66_000)])
def test_what_is_too_large_for_a_format_says_so(tmp_path: Path, suffix: str, width: int) -> None:
    settings = ConvertSettings(output_size="source")
    picture = loaded(tmp_path, np.full((2, width, 3), 9, np.uint8), settings)
    row = row_of(picture)
    with pytest.raises(ImageError, match=f"{width}x2 cannot be encoded as {suffix}: try another"):
        encode(row, picture, suffix, settings)


def test_a_very_large_jpeg_has_no_result_of_its_own_size() -> None:
    data = pictures.encoded(Image.new("L", (12_000, 9_000), 120), "JPEG")
    assert load(data, STYLE_SIZE, USUAL).placement.output == STYLE_SIZE
    with pytest.raises(ImageError, match=r"of its size, 12000x9000, .*try --output-size style"):
        load(data, STYLE_SIZE, ConvertSettings(output_size="source"))


def test_what_opencv_refuses_is_one_picture_s_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = loaded(tmp_path, pictures.photo(*STYLE_SIZE))

    def refuse(*arguments: object) -> None:
        raise cv2.error("no")

    monkeypatch.setattr("pmsgan.batch.pictures.load.fit_into_row", refuse)
    with pytest.raises(ImageError, match="cannot be converted: no"):
        row_of(picture)


def test_a_picture_lets_go_of_its_pixels(tmp_path: Path) -> None:
    picture = loaded(tmp_path, pictures.photo(300, 400))
    row_of(picture)
    assert picture.picture.pixels.base is None
    assert picture.picture.pixels.size == 0


def test_a_flat_translation_is_refused_unless_the_picture_is_flat() -> None:
    flat, lively = np.full((64, 64, 3), 9, np.uint8), np.full((64, 64, 3), 9, np.uint8)
    lively[3, 3] = 10
    check_translated(lively, lively)
    check_translated(lively, flat)
    check_translated(flat, flat)
    with pytest.raises(ImageError, match="one colour only: try --precision fp32"):
        check_translated(flat, lively)
