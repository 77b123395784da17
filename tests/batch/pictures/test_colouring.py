"""Results get the colours of a palette, and come as layers, at the size of their pictures."""

import io
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import cv2
import numpy as np
import pictures
import pytest
from numpy.typing import NDArray

from pmsgan.batch.pictures.encode import encode
from pmsgan.batch.pictures.load import PLAIN, LoadedPicture, load
from pmsgan.batch.pictures.open_raster import read_merged
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError
from pmsgan.styles.palette import EVERY, Palette, Section, read_palette
from pmsgan.styles.scaling import Scaling

Pixels = NDArray[np.uint8]
STYLE_SIZE = (64, 64)
PARTS = {"ground": "#90c4da", "skin": "#f7c99c", "hair": "#4c62c2"}
GUIDED = Scaling(mode="guided", working_size=64)
TILES = Scaling(mode="tiles")
PALETTE = read_palette("ground=#fafaf0,skin=#8d5a3a,hair=#e8d070").for_style("flat", PARTS)


def bgr(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))[::-1]


def draw(side: int, colours: dict[str, str] | None, line: int = 3) -> Pixels:
    """Draw a head in some colours, or its lines alone, whose width is in 64ths of the side."""
    fine = np.full((4 * side, 4 * side, 3), bgr(colours["ground"]) if colours else 255, np.uint8)
    middle, unit = 2 * side, side / 16
    for part, radius, up in (("skin", 20, 0), ("hair", 14, 12)):
        place, axes = (middle, middle - int(up * unit)), (int(radius * unit), int(16 * unit))
        inside = bgr(colours[part]) if colours else (255, 255, 255)
        cv2.ellipse(fine, place, axes, 0, 0, 360, inside, -1)
        cv2.ellipse(fine, place, axes, 0, 0, 360, (0, 0, 0), int(line * unit))
    return np.asarray(cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def translated(
    settings: ConvertSettings,
    scaling: Scaling = PLAIN,
    size: tuple[int, int] = (192, 192),
    alpha: bool = False,
    line: int = 3,
) -> tuple[LoadedPicture, Pixels]:
    """Return a drawing of lines, and its result from an engine that colours it."""

    def loaded_drawing(colours: dict[str, str] | None, *others: Pixels) -> LoadedPicture:
        rgb = cv2.resize(draw(192, colours, line), size[::-1])[:, :, ::-1]
        data = pictures.encoded(np.dstack([rgb, *others]).astype(np.uint8), "PNG")
        return load(data, STYLE_SIZE, settings, scaling)

    loaded = loaded_drawing(None, *([np.full(size, 128, np.uint8)] if alpha else []))
    flat = loaded_drawing(PARTS)
    loaded.choose_colours(settings, "a.png")
    result = None
    for number in range(loaded.num_rows):
        row, coloured = (np.zeros((*STYLE_SIZE, 3), np.uint8) for _ in range(2))
        loaded.fill(row, number)
        flat.fill(coloured, number)
        result = loaded.add(coloured, row, number)
    assert result is not None
    return loaded, result


@pytest.mark.parametrize(
    ("scaling", "decibels"),
    [(PLAIN, 20), (GUIDED, 38), (TILES, 45)],
    ids=["plain", "guided", "tiles"],
)
def test_a_result_gets_the_colours_of_its_palette(scaling: Scaling, decibels: float) -> None:
    loaded, result = translated(ConvertSettings(palette=PALETTE), scaling)
    assert cv2.PSNR(result, draw(192, PALETTE.colours("a.png"))) > decibels
    assert loaded.note is None


def test_each_picture_gets_its_own() -> None:
    settings = ConvertSettings(palette=read_palette("random:1").for_style("flat", PARTS))
    loaded, _ = translated(settings)
    colours = []
    for name in ("a.png", "b.png", "a.png"):
        loaded.choose_colours(settings, name)
        assert loaded.colouring is not None
        colours.append(loaded.colouring.new.tolist())
    assert colours[0] == colours[2] != colours[1]


def test_a_result_without_the_colours_of_the_style_is_left_and_noted() -> None:
    settings = ConvertSettings(palette=PALETTE)
    loaded, _ = translated(settings)
    photo = np.random.default_rng(1).integers(0, 256, (*STYLE_SIZE, 3), np.uint8)
    result = loaded.add(photo, photo)
    assert result is not None
    np.testing.assert_array_equal(cv2.resize(result, STYLE_SIZE[::-1]).shape, photo.shape)
    assert loaded.note == "its translation contains none of the style's colours: no palette applied"


LAYERED = ConvertSettings(output_format="ora", palette=PALETTE)


def unpack(data: bytes) -> tuple[ElementTree.Element, dict[str, Pixels], list[str]]:
    """Return the description, the layers from the top, and the names in the file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("mimetype") == b"image/openraster"
        root = ElementTree.fromstring(archive.read("stack.xml"))
        files = {
            layer.get("name", ""): np.asarray(
                cv2.imdecode(
                    np.frombuffer(archive.read(layer.get("src", "")), np.uint8),
                    cv2.IMREAD_UNCHANGED,
                ),
                np.uint8,
            )
            for layer in root.iter("layer")
        }
        return root, files, archive.namelist()


@pytest.mark.parametrize(
    "colours",
    [{"hair": "#f6f4ee", "ground": "#0c0c10"}, {"hair": "#0c0c10", "ground": "#f6f4ee"}],
    ids=["light hair", "dark hair"],
)
def test_a_light_part_throws_no_light_across_a_line(colours: dict[str, str]) -> None:
    palette = Palette().for_style("flat", PARTS)
    palette = replace(palette, sections=(Section(pattern=EVERY, colours=colours),))
    _, result = translated(ConvertSettings(palette=palette), GUIDED, line=1)
    wanted = draw(192, PARTS | colours, line=1)
    assert cv2.PSNR(result, wanted) > 40
    is_dark = cv2.erode((wanted.max(axis=2) <= 0x10).astype(np.uint8), np.ones((5, 5))) > 0
    assert np.percentile(result[is_dark], 99.5) < 0x20


def stacked(layers: dict[str, Pixels]) -> Pixels:
    """Return layers on each other; each has one colour, and ink is black."""
    picture = np.zeros((*layers["ground"].shape[:2], 3), np.float32)
    for layer in reversed(layers.values()):
        alpha = layer[:, :, 3:].astype(np.float32) / 255
        picture = np.rint(picture * (1 - alpha) + layer[:, :, :3] * alpha)
    return picture.astype(np.uint8)


@pytest.mark.parametrize("scaling", [PLAIN, GUIDED, TILES], ids=lambda it: it.mode)
def test_layers_on_each_other_are_the_result(scaling: Scaling) -> None:
    loaded, result = translated(LAYERED, scaling)
    data = encode(result, loaded, ".ora", LAYERED)
    assert data == encode(result, loaded, ".ora", LAYERED)
    root, layers, names = unpack(data)
    assert names[0] == "mimetype"
    assert "Thumbnails/thumbnail.png" in names
    assert (root.get("w"), root.get("h")) == ("192", "192")
    assert list(layers) == ["lines", "hair", "skin", "ground"]
    modes = [layer.get("composite-op") for layer in root.iter("layer")]
    assert modes == ["svg:multiply", *["svg:src-over"] * 3]
    assert (layers["ground"][:, :, 3] == 255).all()
    for part in PARTS:
        assert (layers[part][:, :, :3] == bgr(PALETTE.colours("a.png")[part])).all()
    np.testing.assert_array_equal(stacked(layers), result)
    merged = cv2.imdecode(np.frombuffer(read_merged(data), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(merged, result)


@pytest.mark.parametrize("size", [(40, 700), (700, 40)], ids=str)
def test_layers_of_a_long_picture_are_the_result(size: tuple[int, int]) -> None:
    """The network sees it four pixels high."""
    loaded, result = translated(LAYERED, GUIDED, size)
    _, layers, _ = unpack(encode(result, loaded, ".ora", LAYERED))
    assert len(layers) > 2
    np.testing.assert_array_equal(stacked(layers), result)


def test_colours_go_on_below_the_lines() -> None:
    loaded, result = translated(LAYERED)
    _, layers, _ = unpack(encode(result, loaded, ".ora", LAYERED))
    is_hidden = layers["lines"][:, :, 3] > 250
    white = draw(192, {"ground": "#000000", "skin": "#ffffff", "hair": "#ffffff"})[:, :, 0]
    head = cv2.morphologyEx(white, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)) > 127
    between = is_hidden & head
    assert between.sum() > 100
    below = np.maximum(layers["hair"][:, :, 3], layers["skin"][:, :, 3])
    assert (below[between] > 128).mean() > 0.98


SHADED = replace(LAYERED, shade=True)


@pytest.mark.parametrize("scaling", [PLAIN, GUIDED, TILES], ids=lambda it: it.mode)
def test_a_shade_is_a_layer_between_parts_and_lines(scaling: Scaling) -> None:
    loaded, result = translated(SHADED, scaling)
    root, layers, _ = unpack(encode(result, loaded, ".ora", SHADED))
    assert list(layers) == ["lines", "shade", "hair", "skin", "ground"]
    modes = [layer.get("composite-op") for layer in root.iter("layer")]
    assert modes == ["svg:multiply"] * 2 + ["svg:src-over"] * 3
    np.testing.assert_array_equal(stacked(layers), result)
    del layers["shade"]
    np.testing.assert_array_equal(stacked(layers), translated(LAYERED, scaling)[1])


def test_layers_of_a_transparent_picture_are_as_transparent_together() -> None:
    loaded, result = translated(LAYERED, alpha=True)
    data = encode(result, loaded, ".ora", LAYERED)
    root, layers, _ = unpack(data)
    highest = next(root.iter("layer"))
    assert (highest.get("name"), highest.get("composite-op")) == ("transparency", "svg:dst-in")
    assert (layers["transparency"][:, :, 3] == 128).all()
    assert (layers["ground"][:, :, 3] == 255).all()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        file = np.frombuffer(archive.read("Thumbnails/thumbnail.png"), np.uint8)
    thumbnail = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    assert thumbnail is not None
    assert (thumbnail[:, :, 3] == 128).all()


def test_a_result_without_parts_is_one_layer() -> None:
    settings = replace(LAYERED, palette=Palette().for_style("flat", {"hair": "#00ff00"}))
    loaded, result = translated(settings)
    _, layers, _ = unpack(encode(result, loaded, ".ora", settings))
    np.testing.assert_array_equal(layers["picture"], result)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" * 20])
def test_what_is_no_layered_file_is_damaged(data: bytes) -> None:
    with pytest.raises(ImageError, match="damaged"):
        read_merged(data)
