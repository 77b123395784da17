import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pictures
import pytest
from PIL import Image

from pmsgan.batch.pictures.check import check_translated
from pmsgan.batch.pictures.decode import decode
from pmsgan.batch.pictures.encode import encode
from pmsgan.batch.pictures.load import LoadedPicture, load
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError, ImageError
from pmsgan.styles.scaling import Scaling

STYLE_SIZE = (32, 48)
USUAL = ConvertSettings(fit="stretch", output_size="style")
GUIDED = Scaling(mode="guided")


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
    row = row_of(picture)
    data = encode(picture.add(row, row), picture, suffix, USUAL)
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
    settings = replace(USUAL, output_size=output_size)  # type: ignore[arg-type]
    image = np.full((60, 80, 4), 100, np.uint8)
    image[:, :40, 3], image[:, 40:, 3] = 0, 255
    picture = loaded(tmp_path, image, settings)
    row = row_of(picture)
    assert (row[:, :20] == 255).all()
    for suffix in (".png", ".webp"):
        found = decode(encode(picture.add(row, row), picture, suffix, settings))
        assert found.alpha is not None
        assert found.alpha.shape == (STYLE_SIZE if output_size == "style" else (60, 80))
        width = found.alpha.shape[1]
        assert (found.alpha[:, : width // 2 - 2] == 0).all()
        assert (found.alpha[:, width // 2 + 2 :] == 255).all()
    black = np.zeros_like(row)
    shown = decode(encode(picture.add(black, black), picture, ".jpg", settings)).pixels
    assert (shown[:, 2] > 250).all()
    assert (shown[:, -2] < 5).all()


def test_settings_reach_the_encoders(tmp_path: Path) -> None:
    picture = loaded(tmp_path, pictures.photo(*STYLE_SIZE))
    row = row_of(picture)

    def size(suffix: str, **settings: int) -> int:
        return len(encode(picture.add(row, row), picture, suffix, ConvertSettings(**settings)))  # type: ignore[arg-type]

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
        encode(picture.add(row, row), picture, suffix, settings)


def test_a_very_large_jpeg_has_no_result_of_its_own_size() -> None:
    data = pictures.encoded(Image.new("L", (12_000, 9_000), 120), "JPEG")
    assert load(data, STYLE_SIZE, USUAL).placement.output == STYLE_SIZE
    with pytest.raises(ImageError, match=r"a result of 12000x9000, .*try --output-size style"):
        load(data, STYLE_SIZE, ConvertSettings(output_size="source"))
    tiles = Scaling(mode="tiles")
    for fit, scaling, hint in [
        ("pad", GUIDED, "--output-size 1024"),
        ("crop", GUIDED, "--fit pad --output-size 1024"),
        ("pad", tiles, "--working-size 1024 --output-size 1024"),
    ]:
        with pytest.raises(ImageError, match=f"million are decoded: try {hint}$"):
            load(data, STYLE_SIZE, ConvertSettings(fit=fit), scaling)  # type: ignore[arg-type]
    smaller = ConvertSettings(output_size=1024)
    for scaling in (GUIDED, replace(tiles, working_size=1024)):
        assert load(data, STYLE_SIZE, smaller, scaling).placement.output == (768, 1024)


@pytest.mark.parametrize("scaling", [GUIDED, Scaling()])
def test_a_result_of_any_size_is_refused_before_memory_is_taken(scaling: Scaling) -> None:
    transparent = pictures.encoded(np.full((20, 20, 4), 9, np.uint8), "PNG")
    with pytest.raises(ImageError, match=r"too large for a result of 10000000x10000000"):
        load(transparent, STYLE_SIZE, ConvertSettings(output_size=10_000_000), scaling)


def darkened(row: np.ndarray) -> np.ndarray:
    """Return what a simple style makes of a row."""
    return (row // 2).astype(np.uint8)


@pytest.mark.parametrize("fit", ["pad", "stretch"])
@pytest.mark.parametrize("size", [(64, 64), (500, 300), (90, 700)])
def test_a_guided_result_has_the_detail_of_its_source(fit: str, size: tuple[int, int]) -> None:
    image = cv2.resize(pictures.photo(32, 24), size[::-1], interpolation=cv2.INTER_CUBIC)
    image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    image[::7] //= 2  # lines that are lost in the style's size
    data = pictures.encoded(image, "PNG")
    settings = ConvertSettings(fit=fit)  # type: ignore[arg-type]
    results = []
    for scaling in (GUIDED, Scaling()):
        picture = load(data, STYLE_SIZE, settings, scaling)
        row = row_of(picture)
        results.append(picture.add(darkened(row), row))
    guided, plain = results
    assert guided.shape == plain.shape == image.shape
    assert cv2.PSNR(guided, image // 2) > cv2.PSNR(plain, image // 2) + 6


def test_a_guide_is_upright_srgb_on_white_and_of_the_result_s_size() -> None:
    (swapped,) = (case for case in pictures.cases() if case.name == "swapped.png")
    picture = load(swapped.data, STYLE_SIZE, ConvertSettings(output_size=200), GUIDED)
    assert picture.guide is not None
    assert picture.guide.grey.shape == picture.placement.output
    assert max(picture.placement.output) == 200
    row = row_of(picture)
    assert pictures.near((30, 30, 200), 12)(row)
    grey = cv2.cvtColor(row, cv2.COLOR_BGR2GRAY)
    assert abs(float(picture.guide.grey.mean()) - float(grey.mean())) < 2

    image = np.full((400, 300, 4), 100, np.uint8)
    image[:, :150, 3] = 0
    picture = load(pictures.encoded(image, "PNG"), STYLE_SIZE, ConvertSettings(), GUIDED)
    assert picture.guide is not None
    assert (picture.guide.grey[:, :150] == 255).all()

    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(pictures.photo(120, 200)).save(file, "PNG", exif=exif)
    picture = load(file.getvalue(), STYLE_SIZE, ConvertSettings(), GUIDED)
    assert picture.guide is not None
    assert picture.guide.grey.shape == picture.placement.output == (200, 120)


@pytest.mark.parametrize(
    ("size", "output_size"),
    [((100, 80), "style"), ((100, 80), 20), ((32, 48), "source"), ((3, 5000), "source")],
)
def test_what_is_not_enlarged_or_too_narrow_needs_no_guide(
    size: tuple[int, int], output_size: str
) -> None:
    data = pictures.encoded(np.full((*size, 3), 90, np.uint8), "PNG")
    settings = ConvertSettings(output_size=output_size)  # type: ignore[arg-type]
    assert load(data, STYLE_SIZE, settings, GUIDED).guide is None


@pytest.mark.parametrize(
    ("settings", "scaling", "is_small"),
    [
        (ConvertSettings(), Scaling(), True),
        (ConvertSettings(), GUIDED, False),
        (ConvertSettings(output_size="style"), GUIDED, True),
        (ConvertSettings(output_size=60), GUIDED, True),
        (ConvertSettings(output_size=900), GUIDED, False),
        (ConvertSettings(fit="crop", output_size="style"), GUIDED, False),
    ],
)
def test_a_jpeg_is_decoded_smaller_where_that_suffices(
    settings: ConvertSettings, scaling: Scaling, is_small: bool
) -> None:
    data = pictures.encoded(pictures.photo(600, 800), "JPEG")
    picture = load(data, STYLE_SIZE, settings, scaling)
    assert (picture.picture.pixels.shape[0] < 600) == is_small
    assert picture.picture.full_size == (600, 800)


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
    with pytest.raises(ImageError, match="only one colour: try --precision fp32"):
        check_translated(flat, lively)
